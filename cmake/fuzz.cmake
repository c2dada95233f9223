# NEAP_FUZZ: each fuzz/fuzz_<x>.c becomes the libFuzzer program build/fuzz_<x>.
if(NEAP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "NEAP_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
  endif()
  set(flags -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_compile_options(neap_options INTERFACE ${flags} -fsanitize=fuzzer-no-link)
  target_link_options(neap_options INTERFACE ${flags})

  add_custom_target(fuzzers)
  file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/fuzz_*.c)
  foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    if(NOT name MATCHES "^fuzz_(h2_proxy|udp)$")
      target_link_libraries(${name} PRIVATE neap_script neap_lua neap_conf neap_shm neap_net neap_http neap_crypto neap_text neap_coding neap_base)
    endif()
    # libFuzzer calls LLVMFuzzerTestOneInput, which no header declares.
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  endforeach()

  # Policies run in them, so Lua finds the functions of script by name, as in cmake/rooms.cmake.
  foreach(name fuzz_h2_proxy fuzz_udp)
    target_link_libraries(${name} PRIVATE neap_proxy)
    target_link_options(${name} PRIVATE
      -Wl,--dynamic-list=${CMAKE_SOURCE_DIR}/cmake/exports.txt)
    set_target_properties(${name} PROPERTIES LINK_LIBRARY_OVERRIDE_neap_script WHOLE_ARCHIVE)
  endforeach()
endif()
