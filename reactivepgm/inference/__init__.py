"""The user's verbs."""

from reactivepgm.inference.benchmark import Benchmark as Benchmark
from reactivepgm.inference.benchmark import PhaseTimes as PhaseTimes
from reactivepgm.inference.callbacks import EarlyStopping as EarlyStopping
from reactivepgm.inference.compare import Comparison as Comparison
from reactivepgm.inference.compare import compare as compare
from reactivepgm.inference.engine import Engine as Engine
from reactivepgm.inference.explain import Explanation as Explanation
from reactivepgm.inference.explain import explain as explain
from reactivepgm.inference.infer import infer as infer
from reactivepgm.inference.many import Results as Results
from reactivepgm.inference.many import infer_many as infer_many
from reactivepgm.inference.online import infer_online as infer_online
from reactivepgm.inference.result import Posteriors as Posteriors
from reactivepgm.inference.result import Result as Result
from reactivepgm.inference.resume import resume as resume
from reactivepgm.inference.sampling import predict as predict
from reactivepgm.inference.sampling import sample_prior as sample_prior
from reactivepgm.inference.storage import load_result as load_result
from reactivepgm.inference.trace import Trace as Trace
