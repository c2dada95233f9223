# neap_room(<name> <lower rooms>... [EXTERNAL <targets>...])
# One static library of src/<name>/*.c; a room without sources yet only passes its links on.
function(neap_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" EXTERNAL)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/app/main.c)
  list(TRANSFORM room_UNPARSED_ARGUMENTS PREPEND neap_ OUTPUT_VARIABLE lower)
  if(sources)
    add_library(neap_${name} STATIC ${sources})
    target_link_libraries(neap_${name} PUBLIC neap_options ${lower} ${room_EXTERNAL})
  else()
    add_library(neap_${name} INTERFACE)
    target_link_libraries(neap_${name} INTERFACE neap_options ${lower} ${room_EXTERNAL})
  endif()
endfunction()

# build/neap. Lua finds the neap_* functions through the dynamic symbol table, so they are
# exported, and all objects of the room that defines them are linked even if no C calls them.
function(neap_executable)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.c)
    message(STATUS "src/app/main.c is missing: no executable")
    return()
  endif()
  set(exports ${CMAKE_SOURCE_DIR}/cmake/exports.txt)
  add_executable(neap ${CMAKE_SOURCE_DIR}/src/app/main.c)
  target_link_libraries(neap PRIVATE neap_app)
  target_link_options(neap PRIVATE -Wl,--dynamic-list=${exports})
  set_target_properties(neap PROPERTIES
    LINK_DEPENDS ${exports}
    LINK_LIBRARY_OVERRIDE_neap_script WHOLE_ARCHIVE)
endfunction()

# neap_probe(<rooms>...): the rooms as one shared library with everything visible, for unit specs
# that reach C functions through FFI. Not installed.
function(neap_probe)
  set(patterns ${ARGN})
  list(TRANSFORM patterns REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/src/\\1/*.c")
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  if(NOT sources)
    return()
  endif()
  add_library(neap_probe SHARED ${sources})
  target_link_libraries(neap_probe PRIVATE neap_options neap::ev neap::cares neap::ssl neap::crypto
    neap::nghttp2 neap::pcre2 neap::zlib neap::brotli neap::zstd)
  set_target_properties(neap_probe PROPERTIES C_VISIBILITY_PRESET default)
endfunction()
