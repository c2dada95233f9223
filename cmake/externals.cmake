# The libraries neap stands on, each as one target neap::<name>.
find_package(PkgConfig REQUIRED)

pkg_check_modules(luajit REQUIRED IMPORTED_TARGET luajit>=2.1)
add_library(neap::luajit ALIAS PkgConfig::luajit)

pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
add_library(neap::cares ALIAS PkgConfig::cares)

# TLS and all other cryptography.
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto>=3.0)
add_library(neap::crypto ALIAS PkgConfig::crypto)
pkg_check_modules(ssl REQUIRED IMPORTED_TARGET libssl>=3.0)
add_library(neap::ssl ALIAS PkgConfig::ssl)

# Frames and HPACK of HTTP/2.
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2>=1.52)
add_library(neap::nghttp2 ALIAS PkgConfig::nghttp2)

# Regular expressions of policies.
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8>=10.40)
add_library(neap::pcre2 ALIAS PkgConfig::pcre2)

# Codings of answers.
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib>=1.2.11)
add_library(neap::zlib ALIAS PkgConfig::zlib)
pkg_check_modules(brotli REQUIRED IMPORTED_TARGET libbrotlienc>=1.0.9)
add_library(neap::brotli ALIAS PkgConfig::brotli)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.5.0)
add_library(neap::zstd ALIAS PkgConfig::zstd)

# libev comes without a pkg-config file.
find_path(EV_INCLUDE_DIR ev.h REQUIRED)
find_library(EV_LIBRARY ev REQUIRED)
add_library(neap_ev INTERFACE)
target_include_directories(neap_ev SYSTEM INTERFACE ${EV_INCLUDE_DIR})
target_link_libraries(neap_ev INTERFACE ${EV_LIBRARY} m)
add_library(neap::ev ALIAS neap_ev)

# lua-cjson for Lua 5.1 (Debian: lua-cjson-dev); the archive if there is one, so that the binary
# does not need the shared library where it runs.
find_library(CJSON_LIBRARY NAMES liblua5.1-cjson.a lua5.1-cjson REQUIRED)
add_library(neap_cjson INTERFACE)
target_link_libraries(neap_cjson INTERFACE ${CJSON_LIBRARY} m)
add_library(neap::cjson ALIAS neap_cjson)

# The interpreter compiles the embedded Lua files; it must be the same LuaJIT as the library.
find_program(LUAJIT_PROGRAM NAMES luajit luajit-2.1 REQUIRED)
