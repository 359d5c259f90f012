"""What can go wrong, as one tree: catch the branch you can handle.

ReactivePGMError
├── ModelError                     the model function says something that makes no graph
│   ├── UndeclaredVariableError    an element of an array that nobody declared
│   ├── ForgottenTildeError        a factor was written down and never drawn
│   ├── NoAttributeError           an attribute that variables and data have not         (also AttributeError)
│   ├── ModelReturnsNothingError   unpacked a model that returns nothing
│   └── ConstraintError            a factorisation or form that does not fit the model
│       └── ConstraintSyntaxError  a constraint string that cannot be read
├── ParametrisationError           arguments that do not say which parameters they are   (also TypeError)
├── InvalidParameterError          a parameter outside its support                       (also ValueError)
├── DataError                      data that do not fit the model                        (also ValueError)
├── NoRuleError                    no rule for these inputs                              (also LookupError)
├── ProductError                   two beliefs that cannot both hold, or do not multiply (also ValueError)
├── InferenceError                 the numbers cannot be computed
│   ├── MissingInitialError        a marginal that is needed and has no initial value
│   ├── ImproperPosteriorError     a posterior that does not normalise
│   └── FreeEnergyError            a free energy that is not a number
├── EngineError                    an engine was asked for what it can't do any more, or yet (also RuntimeError)
├── UnknownNameError               a result, posterior or event that was never asked for (also KeyError)
├── StorageError                   a file that is no result, or a result that cannot be stored (also ValueError)
└── ThreadError                    data pushed from a second thread                      (also RuntimeError)

Warnings: ConvergenceWarning (a loopy region stopped before it converged).
"""


class ReactivePGMError(Exception):
    """The root of every error that this library raises on purpose."""


class ModelError(ReactivePGMError):
    """The model function says something that makes no graph; the message shows file, line and statement."""


class UndeclaredVariableError(ModelError):
    """An element of an array was used or drawn that nobody declared."""


class ForgottenTildeError(ModelError):
    """A factor was written down and never drawn: its ``~`` is missing."""


class NoAttributeError(ModelError, AttributeError):
    """An attribute was asked for that a variable or data have not, such as ``x.std()`` of a random variable."""


class ModelReturnsNothingError(ModelError):
    """A model that returns nothing was unpacked into ``graph, variables``."""


class ConstraintError(ModelError):
    """A factorisation or form constraint that does not fit the model or the statement."""


class ConstraintSyntaxError(ConstraintError):
    """A constraint string that cannot be read; ``position`` is the offending character's index."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class ParametrisationError(ReactivePGMError, TypeError):
    """Arguments that do not say which parameters they are, such as ``Normal(0, 1)``."""


class InvalidParameterError(ReactivePGMError, ValueError):
    """A parameter outside its support, such as a negative variance."""


class DataError(ReactivePGMError, ValueError):
    """Data that do not fit the model: name, shape, type or a missing value where none may be."""


class NoRuleError(ReactivePGMError, LookupError):
    """No rule computes this message, marginal or energy from inputs of these types."""


class ProductError(ReactivePGMError, ValueError):
    """Two beliefs that contradict each other, or whose product has no closed form where one is needed."""


class InferenceError(ReactivePGMError):
    """The numbers that were asked for cannot be computed."""


class MissingInitialError(InferenceError):
    """A marginal is needed before anything has computed it, and no initial value was given."""


class ImproperPosteriorError(InferenceError):
    """A posterior does not normalise: the data and the priors leave a direction undetermined."""


class FreeEnergyError(InferenceError):
    """A term of the free energy is not a finite number; the message names the factor, its line and the row."""


class UnknownNameError(ReactivePGMError, KeyError):
    """A name under which nothing is kept; the message lists the names there are."""

    __str__ = Exception.__str__  # a KeyError would show its message in quotes, on one line


class StorageError(ReactivePGMError, ValueError):
    """A file is damaged, foreign or of a newer version, or something cannot be stored in one."""


class EngineError(ReactivePGMError, RuntimeError):
    """An engine cannot do this now: it reads its stream already, was stopped, or has nothing to wait for."""


class ThreadError(ReactivePGMError, RuntimeError):
    """Data were pushed into a graph from a thread other than the one that owns it."""


class ConvergenceWarning(UserWarning):
    """A region with cycles stopped before its messages settled."""
