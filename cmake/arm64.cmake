# Cross build for arm64 on Debian amd64, with the packages of `scripts/setup arm64`: the libraries are
# those of dpkg's foreign architecture, in /usr/lib/aarch64-linux-gnu; headers and protoc are shared.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# CMake asks pkg-config for hints, which otherwise tells of this machine's own.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
