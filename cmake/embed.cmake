# Puts the Lua runtime, the assets under share/ and the FFI declarations of src/script/abi.h into
# the binary: cmake/embed.lua writes them as one C file, which becomes the library neap_embed.
file(GLOB_RECURSE embed_inputs RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/lua/neap/*.lua
  ${CMAKE_SOURCE_DIR}/share/*
  ${CMAKE_SOURCE_DIR}/src/script/abi.h)
# Specs are run from the source tree.
list(FILTER embed_inputs EXCLUDE REGEX "_spec\\.lua$")

set(embed_output ${CMAKE_BINARY_DIR}/generated/embed_data.c)
list(TRANSFORM embed_inputs PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE embed_paths)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
# The list is a dependency too, so that a file taken away leaves the binary.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/embed.list CONTENT "${embed_inputs}\n")

add_custom_command(
  OUTPUT ${embed_output}
  COMMAND ${LUAJIT_PROGRAM} cmake/embed.lua ${embed_output} ${embed_inputs}
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  DEPENDS ${embed_paths} ${CMAKE_SOURCE_DIR}/cmake/embed.lua
    ${CMAKE_BINARY_DIR}/generated/embed.list
  COMMENT "Embedding Lua and assets"
  VERBATIM)

add_library(neap_embed STATIC ${embed_output})
