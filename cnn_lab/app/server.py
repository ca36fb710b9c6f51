"""What a server of the lab sets up first, and the middleware around its pages."""

from pathlib import Path

from starlette.middleware import Middleware

from cnn_lab.app.admission import Admission
from cnn_lab.app.first_paint import FirstPaint
from cnn_lab.app.hosting import Guard, NoDelay, Signpost, UploadLimit, keep_on_path
from cnn_lab.app.page_files import PageFiles
from cnn_lab.app.run_order import RunOrder
from cnn_lab.app.watching import Figures
from cnn_lab.ops.environment import end_if_wrong
from cnn_lab.ops.memory import keep_little


def prepare(folder: Path) -> list[Middleware]:
    """Set up this process to serve the app.py of a folder.

    If the environment holds settings that make no sense, it names all of them and ends the process
    with status 2.

    Returns
    -------
    list of Middleware
        What stands around the pages, in the order in which what a browser sends passes it.
    """
    end_if_wrong()
    keep_on_path(folder)
    keep_little()
    pages = {path.stem for path in (folder / "pages").glob("*.py")}
    return [
        Middleware(NoDelay),
        Middleware(Guard),
        Middleware(Admission),
        Middleware(Figures),
        Middleware(Signpost, pages=pages),
        Middleware(UploadLimit),
        Middleware(RunOrder),
        Middleware(PageFiles),
        Middleware(FirstPaint),
    ]
