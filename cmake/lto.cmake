# NEAP_LTO: link-time optimisation, an eighth fewer instructions a request. With gcc alone: clang's
# needs a linker plugin that Debian's packages do not bring along.
if(NEAP_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT NEAP_ASAN AND NOT NEAP_FUZZ)
  include(CheckIPOSupported)
  check_ipo_supported(LANGUAGES C RESULT lto_works)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${lto_works})
endif()
