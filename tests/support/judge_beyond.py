"""Random queries of the oracle whose answer an index cannot say (RULES 6), each by its text."""

__all__ = ["UNKNOWN_TARGETS", "VIRTUAL_ROOTS"]

VIRTUAL_ROOTS = (
    "fortran@2024.2,99^[] gcc@13%libgfortran=pigz %other.py-wheel",
    "mpi@3.31.11 ncurses=TRUE doc==none %%curl@8.20.0 arch=linux-ubuntu22.04- %%c,cxx=gcc target=neoverse_v1,aarch64:",
    "zlib-api@=1.1.0 ^libifcore=builtin.compiler-wrapper",
    "fortran@1.22.2:1.22.2 ^[deptypes=build,run] readline ^diffutils",
    'fortran@1:1.1.0 build_system=="autotools" ^[virtuals=fortran] glibc %[]',
    "zlib-api^[virtuals=szip deptypes=build,link,link] openssl",
    "zlib-api platform=* ^libffi@3.5",
    "fortran ^lapack=libpciaccess %[virtuals=c deptypes=build] kokkos",
    "zlib-api build_system=makefile^mpi=openmpi %[deptypes=link,link] glibc@:2 build_system=autotools",
    "zlib-api build_system=*",
    "libifcore@=4.1.8%pkgconf@ 2.5.1 build_system:=autotools",
    "libifcore@1,99 arch=linux-almalinux8-x86_64+bzip2",
    "iconv %diffutils",
)
"""The root is a virtual package: which packages provide it under which constraints, and in which
version, stands in their package.py only; `libifcore` is none any more in the packages at hand."""

UNKNOWN_TARGETS = (
    "* os=ubuntu22.04 target=skylake_avx512:nosucht %%pumi %[] glibc^[virtuals=scalapack] cmake",
    "fmt ^nghttp2 %fortran=compiler-wrapper ^pkgconfig@3.31.11: target=skylake_avx512:/e6cewkvkfo24avw3ax45w64zoitrx7hl",
    "target=neoverse_v1 ^py-setuptools@82.0.1 build_system==generic %py-pip@:26.1.2 os=ubuntu24.04 target=x86_64:/s3ph2g6jednw477oll3cnv4cj74trgo5",
    "openssl target=aarch64:^gcc@ 13 %nghttp2@=1.67.1 build_system=*",
    "py-pathspec target=m1,icelake:%uuid=py-wheel%python-venv",
    "target=icelake:x86_64_v2%compiler-wrapper build_system=generic ^libiconv ^pkgconf",
    "gcc target=zen4:nosucht cflags=-g",
    "libunistring arch=None--x86_64:^other.gmake@4.3,99 build_system=generic %[] gcc-runtime %lapack=gcc-runtime@11.4 build_system=*",
    "py-trove-classifiers build_system=* %python-venv ^[virtuals=zlib-api] python target=x86_64,haswell:+crypt",
    'build_system=* ^[deptypes=run,link] m4 build_system=" "/b ^gcc-runtime@12.3.0:12.3.0 build_system=generic os=ubuntu24.04 %scalapack=gcc@12.3 target=x86_64:/3',
    "build_system=autotools ^[when='^zlib-ng'] gcc-runtime@13.2 %lapack=gcc target=x86_64:~~strip",
    "gcc-runtime ^gcc-runtime %glibc build_system=autotools os=ubuntu22.04 target=x86_64,x86_64_v2:^libc=glibc",
    "target=nosucht,zen4:^libifcore=glibc build_system=autotools,zzz",
    "py-pip build_system==generic ^uuid=python target=x86_64_v3:+ctypes ^szip=berkeley-db",
    "*@:12.3.0%prrte@4:4.1.0 target=skylake_avx512:nosucht%*",
    "py-pathspec@:0.17 target=x86_64_v3:%builtin.gcc",
    "other.py-requests@2.33.1,99 target=haswell,nosucht: %[deptypes=build] py-charset-normalizer@3: ^unwind=py-idna@:3",
    '* os=almalinux8 target=skylake_avx512:zen2^compiler-wrapper cxxflags="-O3" ^gcc-runtime@11.4.0:^builtin.zlib',
    "file os=almalinux8 target=x86_64:^diffutils@:3.12 %%c=gcc@11.4.0: %compiler-wrapper@1.1.0",
    "target=x86_64_v2,icelake:+kdreg %libc arch=--",
    "bzip2 os=ubuntu24.04 target=:neoverse_v1^glibc@2.36,99",
    "@ 3.31 target=:x86_64_v4 build_type==Release,zzz ^[] zlib-api@:develop arch=None-ubuntu22.04-x86_64:aarch64+stl",
    "zip=pigz target=aarch64,x86_64: ^clang target=m1:^xz",
    "bzip2 ^[virtuals=szip] gmake@1.0.8:1.0 target=:x86_64+debug",
    "%[deptypes=build] uuid libxml2=TRUE target=nosucht:zen2 %gmake",
    "curl target=armv8.2a:x86_64_v2%gcc@12.3.0 os=almalinux8 %[virtuals=zlib-api deptypes=build,link] scalapack",
)
"""A side of a range of targets is none that archspec knows: Spack finds it out only when a record
comes as far as that test, so whether it refuses depends on the order of its tests."""
