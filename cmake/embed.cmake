# Puts the Lua runtime, the assets under share/ and the FFI declarations into the binary:
# cmake/embed.lua writes them as one C file, which becomes the library neap_embed. The declarations
# are made of src/script/abi.h and of numbers in other headers (lua/neap/native.lua).
file(GLOB_RECURSE embed_inputs RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/lua/neap/*.lua
  ${CMAKE_SOURCE_DIR}/share/*)
# Specs are run from the source tree.
list(FILTER embed_inputs EXCLUDE REGEX "_spec\\.lua$")

set(embed_folder ${CMAKE_BINARY_DIR}/generated)
set(embed_output ${embed_folder}/embed_data.c)
list(TRANSFORM embed_inputs PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE embed_paths)
file(MAKE_DIRECTORY ${embed_folder})
# The list is a dependency too, so that a file taken away leaves the binary.
file(CONFIGURE OUTPUT ${embed_folder}/embed.list CONTENT "${embed_inputs}\n")

add_custom_command(
  OUTPUT ${embed_output}
  BYPRODUCTS ${embed_folder}/abi.h
  COMMAND ${LUAJIT_PROGRAM} cmake/embed.lua ${embed_folder} ${CMAKE_SOURCE_DIR} ${embed_inputs}
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  DEPENDS ${embed_paths} ${CMAKE_SOURCE_DIR}/cmake/embed.lua
    ${CMAKE_SOURCE_DIR}/cmake/bytecode.lua ${embed_folder}/embed.list
  DEPFILE ${embed_folder}/embed_data.d
  COMMENT "Embedding Lua and assets"
  VERBATIM)

add_library(neap_embed STATIC ${embed_output})
