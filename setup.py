"""Builds the compiled core; without a C compiler the core runs as plain Python."""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# The tests build the core once more with all checks on (see Makefile, .venv/checked).
checked = os.environ.get("PAGEREEL_CHECKED") == "1"

# Without what debuggers read: five times as large, in every wheel.
FLAGS = ["-O3", "-fno-strict-aliasing", "-g0"]


class BuildCore(build_ext):
    """Goes on without the core where there is no compiler."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except Exception as error:
            ext.optional = True  # cythonize forgets it; setuptools then copies what isn't there
            print(f"pagereel: the core stays uncompiled: {error}", file=sys.stderr)


setup(
    cmdclass={"build_ext": BuildCore},
    ext_modules=cythonize(
        [
            Extension(
                f"allocator.{name}",
                [f"allocator/{name}.py"],
                extra_compile_args=[] if os.name == "nt" else FLAGS,
            )
            for name in ("page_alloc", "scanners", "vmscan", "slab")
        ],
        build_dir="build/checked-c" if checked else "build/c",
        annotate=os.environ.get("PAGEREEL_ANNOTATE") == "1",
        compiler_directives={
            "language_level": 3,
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            "cdivision": not checked,
            "overflowcheck": checked,
            "show_performance_hints": False,
        },
    ),
)
