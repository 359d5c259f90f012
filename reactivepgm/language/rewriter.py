"""The rewriting of ``x = ~F(...)`` into calls on the run; everything else stays as it was written.

``x = ~F(a, b)``            x = run.name(site, current x, F, (a, b))
``x[i] = ~F(a, b)``         run.item(site, x, i, F, (a, b))
``node, x = ~F(a, b)``      node, x = run.unpacked(site, names, current, run.name_pair(site, current x, F, (a, b)))
``~a & b``                  run.negated(site, a) & b
``x[0] = ~F(a)``, x unbound  x = run.growing("x")  at the top of the function
``F(g(a), b)``              inside an operand: F(run.call(site, g, (a,)), b)
``x = a + b``, ``x = f()``  x = run.named("x", a + b)
``x[t - 1]`` in a loop      x[run.counted(x, t - 1, (0,))]
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from reactivepgm.graph import Site
from reactivepgm.language.branches import Branches
from reactivepgm.language.call_site import CallSite
from reactivepgm.language.lifting import Loop, guarded
from reactivepgm.language.lifting_screen import names_of
from reactivepgm.language.loop_indices import computed_places, counters_of
from reactivepgm.language.operand import Operand, is_constant_factorisation, is_negation, labels_of, named_terms, read_operand
from reactivepgm.language.source import HOOK
from reactivepgm.language.syntax import (
    CURRENT,
    as_expressions,
    base_of,
    bound_now,
    is_flat,
    is_model,
    is_tilde,
    listed,
    located,
)

_GIVEN = "__reactivepgm_given__"
ARGUMENT, INSIDE, PLAIN = 0, 1, 2
"""Where a nested call stands: as a factor's argument, inside arithmetic, or as an argument of a plain function."""
_OF_LISTS = frozenset(
    {"array", "asarray", "stack", "column_stack", "vstack", "hstack", "concatenate", "dot", "inner", "sum", "mean"}
)
"""Names of functions of lists that look for numbers in them; which function it is, shows when it is called."""


class Rewriter(ast.NodeTransformer):
    """Rewrites the body of one model function, and remembers every statement it met."""

    def __init__(self, file: str, lifts: bool = True) -> None:
        self.file = file
        self.lifts = lifts
        self.sites: list[CallSite] = []
        self.loops: list[Loop] = []
        self.array_targets: set[str] = set()
        self._loops: list[int] = []
        self._statement: ast.stmt | None = None
        self._numbered = -1
        self._globals: set[str] = set()
        self._depth = 0
        self._own_arrays: dict[str, None] = {}
        self._counters: list[str] = []

    def rewrite(self, definition: ast.FunctionDef, bound: Sequence[str] | None = None) -> None:
        """Rewrite in place.

        Args:
            definition: the function.
            bound: the names that are bound in it or around it; what is drawn by index and bound nowhere grows.
        """
        first = definition.body[0]
        branches = Branches(self.file)
        whole = [part for statement in definition.body for part in listed(branches.visit(statement))]
        body = self._block(whole)
        growing = [] if bound is None else [n for n in self._own_arrays if n not in bound and n not in self._globals]
        definition.body = [*(self._grown(name, first) for name in growing), *body]

    def _grown(self, name: str, first: ast.stmt) -> ast.stmt:
        """``x = run.growing("x")`` at the top of the function."""
        maker = ast.Attribute(value=ast.Name(HOOK, ast.Load()), attr="growing", ctx=ast.Load())
        value = ast.Call(func=maker, args=[ast.Constant(name)], keywords=[])
        return located(ast.Assign(targets=[ast.Name(name, ast.Store())], value=value), first)

    # -- statements -----------------------------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        new: list[ast.stmt] = []
        for statement in body:
            visited = self.visit(statement)
            new += listed(visited)
        return new

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        """Visit a node, remembering the statement around it."""
        if not isinstance(node, ast.stmt):
            return super().visit(node)  # type: ignore[no-any-return]
        outer, self._statement = self._statement, node
        self._text()
        is_loop = isinstance(node, (ast.For, ast.While))
        if is_loop:
            self._loops.append(node.lineno)
        visited: ast.AST | list[ast.stmt] = super().visit(node)
        if is_loop:
            self._loops.pop()
        self._statement = outer
        return visited

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Nested functions are part of the model; nested models look after themselves."""
        if any(is_model(decorator) for decorator in node.decorator_list):
            return node
        self._depth += 1
        visited = self.generic_visit(node)
        self._depth -= 1
        return visited

    def visit_Global(self, node: ast.Global) -> ast.AST:
        """A name that the function declares as another's is no array of its own."""
        self._globals.update(node.names)
        return node

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        """A loop over rows may be lifted."""
        names = names_of(node) if self.lifts else None
        counters = counters_of(node)
        self._counters += counters
        self.generic_visit(node)
        del self._counters[len(self._counters) - len(counters) :]
        if names is None:
            return node
        statements, loop = guarded(node, len(self.loops), names)
        self.loops.append(loop)
        return statements

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """``x = ~F(...)`` and its kin."""
        if is_tilde(node.value):
            assert isinstance(node.value, ast.UnaryOp)
            target = node.targets[0]
            if len(node.targets) == 1 and isinstance(target, (ast.Name, ast.Subscript)):
                return self._drawn(node, target, node.value.operand)
            if len(node.targets) == 1 and isinstance(target, (ast.Tuple, ast.List)) and is_flat(target):
                return self._several(node, target, self._operand(node.value.operand))
            if all(isinstance(t, ast.Name) for t in node.targets):
                first = ast.copy_location(ast.Assign(targets=node.targets[:1], value=node.value), node)
                assert isinstance(target, ast.Name)
                rest = ast.Assign(targets=node.targets[1:], value=ast.Name(target.id, ast.Load()))
                return [*listed(self.visit_Assign(first)), ast.copy_location(rest, node)]
        self.generic_visit(node)
        if len(node.targets) == 1:
            node.value = self._named(node.targets[0], node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | list[ast.stmt]:
        """``x: Reference = ~F(...)``: the annotation of a local variable is never evaluated."""
        if node.value is not None and node.simple:
            plain = ast.Assign(targets=[node.target], value=node.value)
            return self.visit_Assign(ast.copy_location(plain, node))
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """An index that is computed from a loop's counter may fall before the first element."""
        if isinstance(node.ctx, ast.Load):
            places = computed_places(node, self._counters)
            self.generic_visit(node)
            if places:
                node.slice = self._counted(node.value, node.slice, places)
            return node
        return self.generic_visit(node)

    def _counted(self, container: ast.expr, key: ast.expr, places: tuple[int, ...]) -> ast.expr:
        """``run.counted(x, t - 1, (0,))``."""
        again = ast.Name(container.id, ast.Load()) if isinstance(container, ast.Name) else container
        shown = ast.Tuple(elts=[ast.Constant(place) for place in places], ctx=ast.Load())
        key = as_expressions(key) if _holds_slices(key) else key
        return located(ast.Call(func=self._attribute("counted"), args=[again, key, shown], keywords=[]), key)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """``~`` inside an expression draws an anonymous variable."""
        if not is_tilde(node):
            return self.generic_visit(node)
        if is_negation(node):
            number = self._new_site(None, {}, False, False)
            negated = self._nested(node.operand, INSIDE)
            call = ast.Call(func=self._attribute("negated"), args=[ast.Constant(number), negated], keywords=[])
            return located(call, node)
        operand = self._operand(node.operand)
        return ast.copy_location(self._call("name", operand, None, [ast.Constant(None)]), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``np.array([1.0, y[t]])`` outside a statement: data wait for their values there, too."""
        if _is_append(node):
            assert isinstance(node.func, ast.Attribute) and isinstance(node.args[0], ast.UnaryOp)
            operand = self._operand(node.args[0].operand)
            node.args = [self._call("name", operand, node.func.value, [ast.Constant(None)])]
            return node
        self.generic_visit(node)
        if not _looks_at_values(node.func) or self._statement is None:
            return node
        number = self._new_site(None, {}, False, False)
        arguments: list[ast.expr] = [ast.Constant(number), node.func, *node.args]
        return located(ast.Call(func=self._attribute("gathered"), args=arguments, keywords=node.keywords), node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        """``(x := ~F(...))`` names what it draws."""
        self.generic_visit(node)
        node.value = self._named(node.target, node.value)
        return node

    def _drawn(self, node: ast.stmt, target: ast.Name | ast.Subscript, expression: ast.expr) -> list[ast.stmt]:
        operand = self._operand(expression)
        if operand.node_name is not None:
            pair = ast.Tuple(elts=[ast.Name(operand.node_name, ast.Store()), target], ctx=ast.Store())
            return self._several(node, pair, operand)
        if isinstance(target, ast.Name):
            value = self._call("name", operand, target, [ast.Name(CURRENT, ast.Load())])
            draw = ast.copy_location(ast.Assign(targets=[ast.Name(target.id, ast.Store())], value=value), node)
            return [*bound_now(node, target.id), ast.fix_missing_locations(draw)]
        call = self._call("item", operand, target, self._element(target))
        return [ast.copy_location(ast.Expr(call), node)]

    def _several(self, node: ast.stmt, targets: ast.Tuple | ast.List, operand: Operand) -> list[ast.stmt]:
        """``node, x = ~F(...)`` and ``a, b[0], c = ~submodel(...)``."""
        new: list[ast.stmt] = []
        names: list[ast.expr] = []
        places: list[ast.expr] = []
        last = targets.elts[-1] if len(targets.elts) == 2 else None
        stores = [ast.Name(_GIVEN, ast.Store()) if isinstance(t, ast.Subscript) else t for t in targets.elts]
        for position, target in enumerate(targets.elts):
            if isinstance(target, ast.Subscript):
                names.append(ast.Constant(None))
                places.append(ast.Tuple(elts=self._element(target), ctx=ast.Load()))
            elif isinstance(target, ast.Name):
                names.append(ast.Constant(target.id))
                places.append(ast.Name(f"{CURRENT}{position}", ast.Load()))
                new += bound_now(node, target.id, f"{CURRENT}{position}")
        if isinstance(last, ast.Subscript):
            place = places.pop()
            assert isinstance(place, ast.Tuple)
            value = self._call("item_pair", operand, last, place.elts, unpacks=True)
            value, names, stores = ast.Tuple(elts=[value], ctx=ast.Load()), names[:1], stores[:1]
        elif last is not None:
            value = self._call("name_pair", operand, last, [places[1]], unpacks=True)
        else:
            value = self._call("name", operand, None, [ast.Constant(None)], unpacks=True)
        packed: list[ast.expr] = [ast.Constant(self._numbered)]
        packed += [ast.Tuple(elts=names, ctx=ast.Load()), ast.Tuple(elts=places, ctx=ast.Load()), value]
        call = ast.Call(func=self._attribute("unpacked"), args=packed, keywords=[])
        draw = ast.Assign(targets=[ast.Tuple(elts=stores, ctx=ast.Store())], value=call)
        return [*new, located(draw, node)]

    def _element(self, target: ast.Subscript) -> list[ast.expr]:
        if isinstance(target.value, ast.Name):
            self.array_targets.add(target.value.id)
            if not self._depth:
                self._own_arrays[target.value.id] = None
        places = computed_places(target, self._counters)
        key = self.visit(target.slice)
        assert isinstance(key, ast.expr)
        if _holds_slices(key):
            key = as_expressions(key)
        container = self.visit(target.value)
        assert isinstance(container, ast.expr)
        if places:
            key = self._counted(container, key, places)
        return [container, key]

    # -- expressions ----------------------------------------------------------------------------------------------

    def _operand(self, expression: ast.expr) -> Operand:
        return read_operand(expression, self._text())

    def _call(
        self, method: str, operand: Operand, target: ast.expr | None, where: list[ast.expr], unpacks: bool = False
    ) -> ast.expr:
        """``run.<method>(site, *where, F, args, kwargs, options)``."""
        text = None if target is None else base_of(target)
        uses = {
            n.id for a in [*operand.args, *(k.value for k in operand.keywords)] for n in ast.walk(a) if isinstance(n, ast.Name)
        }
        q = named_terms(operand.options["q"]) if "q" in operand.options else None
        constant = q is not None and is_constant_factorisation(q)
        if text == "_" and isinstance(target, ast.Name):
            text = None  # what nobody wants to name
        number = self._new_site(text, labels_of(target, operand), constant, text in uses, unpacks)
        function = self._attribute(operand.operator) if operand.function is None else self.visit(operand.function)
        place = ARGUMENT if operand.operator in ("", "value") else INSIDE
        arguments: list[ast.expr] = [ast.Constant(number), *where]
        assert isinstance(function, ast.expr)
        arguments += [function, *self._arguments(operand.args, operand.keywords, place)]
        if operand.options:
            if len(arguments) == 3 + len(where):
                arguments.append(ast.Constant(None))
            arguments.append(self._options(operand, q, constant))
        self._numbered = number
        return located(ast.Call(func=self._attribute(method), args=arguments, keywords=[]), self._here())

    def _options(self, operand: Operand, q: ast.expr | None, constant: bool) -> ast.expr:
        values: list[ast.expr] = [ast.Constant(None) if q is None else q]
        if constant:
            assert q is not None
            nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
            values = [ast.Lambda(args=nothing, body=q)]
        values += [operand.options.get(name, ast.Constant(None)) for name in ("meta", "pipeline")]
        return ast.Tuple(elts=values, ctx=ast.Load())

    def _arguments(self, args: list[ast.expr], keywords: list[ast.keyword], place: int) -> list[ast.expr]:
        packed: list[ast.expr] = [ast.Tuple(elts=[self._nested(a, place) for a in args], ctx=ast.Load())]
        if keywords:
            keys: list[ast.expr | None] = [None if k.arg is None else ast.Constant(k.arg) for k in keywords]
            packed.append(ast.Dict(keys=keys, values=[self._nested(k.value, place) for k in keywords]))
        return packed

    def _nested(self, expression: ast.expr, place: int) -> ast.expr:
        """An argument: calls in it become anonymous nodes, indexing is left alone."""
        if isinstance(expression, ast.Call):
            if isinstance(expression.func, ast.Name) and expression.func.id == "super":
                return expression
            number = self._new_site(None, {}, False, False)
            function = self.visit(expression.func)
            assert isinstance(function, ast.expr)
            arguments = [ast.Constant(number), ast.Constant(place), function]
            arguments += self._arguments(expression.args, expression.keywords, ARGUMENT)
            return located(ast.Call(func=self._attribute("call"), args=arguments, keywords=[]), expression)
        if isinstance(expression, ast.BinOp):
            expression.left = self._nested(expression.left, INSIDE)
            expression.right = self._nested(expression.right, INSIDE)
            return expression
        if isinstance(expression, ast.UnaryOp) and not is_tilde(expression):
            expression.operand = self._nested(expression.operand, INSIDE)
            return expression
        if isinstance(expression, (ast.Tuple, ast.List)):
            expression.elts = [self._nested(e, place) for e in expression.elts]
            return expression
        if isinstance(expression, ast.Starred):
            expression.value = self._nested(expression.value, PLAIN)
            return expression
        visited = self.visit(expression)
        assert isinstance(visited, ast.expr)
        return visited

    def _named(self, target: ast.expr, value: ast.expr) -> ast.expr:
        """A value that may be a new variable learns the name it is kept under."""
        makers = (ast.Call, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.ListComp, ast.Tuple, ast.List)
        if not isinstance(value, makers):
            return value
        name: ast.expr
        if isinstance(target, ast.Name):
            name = ast.Constant(target.id)
        elif isinstance(target, ast.Attribute) and isinstance(value, (ast.Call, ast.BinOp, ast.UnaryOp)):
            name = ast.Constant(ast.unparse(target))
        elif isinstance(target, (ast.Tuple, ast.List)) and all(isinstance(t, ast.Name) for t in target.elts):
            names: list[ast.expr] = [ast.Constant(t.id) for t in target.elts if isinstance(t, ast.Name)]
            name = ast.Tuple(elts=names, ctx=ast.Load())
        else:
            return value
        is_list = isinstance(target, ast.Name) and isinstance(value, (ast.Tuple, ast.List)) and not self._loops
        hook = "listed" if is_list and not self._depth else "named"
        return located(ast.Call(func=self._attribute(hook), args=[name, value], keywords=[]), value)

    # -- places ---------------------------------------------------------------------------------------------------

    def _attribute(self, name: str) -> ast.expr:
        return located(ast.Attribute(value=ast.Name(HOOK, ast.Load()), attr=name, ctx=ast.Load()), self._here())

    def _here(self) -> ast.stmt:
        assert self._statement is not None
        return self._statement

    def _new_site(
        self, target: str | None, labels: dict[int | str, str], constant: bool, itself: bool, unpacks: bool = False
    ) -> int:
        self.sites.append(CallSite(self._text(), target, labels, constant, itself, tuple(self._loops), unpacks))
        return len(self.sites) - 1

    def _text(self) -> Site:
        """The site with the statement as the user wrote it, remembered before anything was rewritten."""
        statement = self._here()
        known: Site | None = getattr(statement, "_reactivepgm_site", None)
        if known is None:
            line = ast.unparse(statement).splitlines()[0]
            known = Site(self.file, statement.lineno, line)
            statement._reactivepgm_site = known  # type: ignore[attr-defined]
        return known


def _is_append(call: ast.Call) -> bool:
    """Whether a call is ``x.append(~F(...))``, whose variables are known by the name of the list."""
    function = call.func
    is_method = isinstance(function, ast.Attribute) and function.attr == "append" and isinstance(function.value, ast.Name)
    return is_method and len(call.args) == 1 and not call.keywords and is_tilde(call.args[0]) and not is_negation(call.args[0])


def _looks_at_values(function: ast.expr) -> bool:
    """Whether a function may be one of those that need to be told of variables inside lists."""
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy") and function.attr in _OF_LISTS
    return isinstance(function, ast.Name) and function.id in _OF_LISTS - {"sum"}


def _holds_slices(key: ast.expr) -> bool:
    return isinstance(key, ast.Slice) or (isinstance(key, ast.Tuple) and any(isinstance(e, ast.Slice) for e in key.elts))
