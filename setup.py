"""Builds the compiled core; without a C compiler the core runs as plain Python."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

# The tests build the core once more with all checks on (see Makefile, build/checked).
checked = os.environ.get("PAGEREEL_CHECKED") == "1"

setup(
    ext_modules=cythonize(
        [
            Extension(
                "allocator.page_alloc",
                ["allocator/page_alloc.py"],
                extra_compile_args=[] if os.name == "nt" else ["-O3", "-fno-strict-aliasing"],
                optional=True,
            )
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
        },
    )
)
