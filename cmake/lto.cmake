# NEAP_LTO: link-time optimisation, where the compiler has it.
if(NEAP_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
