"""Which names of packages may be meant by one that no package has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .fuzzy import MAX_DISTANCE, is_near, is_spelled_like
from .readings import of_name
from .values import name_runs

__all__ = ["MOST", "VIRTUAL", "near_names"]

MOST = 5
"""Names that are proposed."""

FEW = 2
"""A name of so few letters is near to everything."""
LEAST = 5
"""Letters of a name that is compared with the parts of names as well."""

VIRTUAL: dict[str, tuple[str, ...]] = {
    "blas": ("openblas", "netlib-lapack", "intel-oneapi-mkl", "blis", "amdblis"),
    "fftw-api": ("fftw", "intel-oneapi-mkl", "amdfftw"),
    "gl": ("mesa", "opengl"),
    "glu": ("mesa-glu", "openglu"),
    "iconv": ("libiconv", "glibc"),
    "java": ("openjdk",),
    "jpeg": ("libjpeg-turbo", "libjpeg"),
    "lapack": ("openblas", "netlib-lapack", "intel-oneapi-mkl", "libflame", "amdlibflame"),
    "libc": ("glibc", "musl"),
    "mkl": ("intel-oneapi-mkl", "intel-mkl"),
    "mpi": ("openmpi", "mpich", "mvapich2", "mvapich-plus", "intel-oneapi-mpi", "cray-mpich"),
    "mysql-client": ("mysql", "mariadb-c-client"),
    "opencl": ("pocl",),
    "pkgconfig": ("pkgconf", "pkg-config"),
    "scalapack": ("netlib-scalapack", "intel-oneapi-mkl", "amdscalapack"),
    "tbb": ("intel-oneapi-tbb", "intel-tbb"),
    "yacc": ("bison", "byacc"),
    "zlib-api": ("zlib-ng", "zlib"),
}
"""Virtual packages of Spack's own repository, and who mostly provides them: pages tell of neither."""


def near_names(name: str, packages: Collection[str], virtuals: Iterable[str] = ()) -> list[str]:
    """Names of some packages, the likeliest first, at most MOST; of virtual ones as `virtual:mpi`.

    What it is commonly called comes first, then what has the name as its parts, then what is spelled alike.
    """
    low = name.lower()

    def there(_field: str, one: str) -> list[str]:
        return [one] if one in packages else []

    ordered = sorted(packages, key=lambda one: (len(one), one))
    runs = {one: name_runs(one) for one in ordered}
    alike = [
        (_distance(low, run), run != one, one)
        for one in (ordered if len(low) > FEW else ())
        for run in runs[one]
        if (run == one or min(len(low), len(run)) >= LEAST) and is_spelled_like(low, run)
    ]
    found = [
        *of_name(low, there),
        *(one for one in ordered if low in runs[one]),
        *(one for *_, one in sorted(alike)),
        *(f"virtual:{one}" for one in sorted(virtuals) if is_spelled_like(low, one)),
    ]
    return [one for one in dict.fromkeys(found) if one != low][:MOST]


def _distance(name: str, other: str) -> int:
    """How many edits, of two names that are near."""
    return next(most for most in range(MAX_DISTANCE + 1) if is_near(name, other, most))
