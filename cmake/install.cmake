# cmake --install: the binary, the Lua files for editors and tests, examples, manual, config.
# What is to be read (component doc) is a package of its own: cmake/package.cmake.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME neap)
if(TARGET neap)
  install(TARGETS neap RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

function(neap_install_folder folder destination)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder}/ DESTINATION ${destination} ${ARGN})
  endif()
endfunction()

neap_install_folder(lua/neap ${CMAKE_INSTALL_DATADIR}/neap/lua/neap)
# What the test kit tells its FFI, beside the kit.
install(FILES ${CMAKE_BINARY_DIR}/generated/abi.h
  DESTINATION ${CMAKE_INSTALL_DATADIR}/neap/lua/neap)
install(FILES packaging/completion/neap.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME neap)
install(FILES packaging/completion/_neap
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES packaging/completion/neap.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
neap_install_folder(examples ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT doc)
file(GLOB manuals CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.[1-8])
foreach(manual ${manuals})
  string(REGEX MATCH "[1-8]$" section ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# neap reads /etc/neap/config.lua. Another prefix than the system's keeps its own etc/, and a
# config that somebody may have edited is never replaced.
if(EXISTS ${CMAKE_SOURCE_DIR}/config.lua)
  install(CODE "set(config \"${CMAKE_SOURCE_DIR}/config.lua\")")
  install(CODE [[
    set(folder ${CMAKE_INSTALL_PREFIX}/etc/neap)
    if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
      set(folder /etc/neap)
    endif()
    if(EXISTS $ENV{DESTDIR}${folder}/config.lua)
      message(STATUS "Kept: $ENV{DESTDIR}${folder}/config.lua")
    else()
      file(INSTALL DESTINATION ${folder} TYPE FILE FILES ${config})
    endif()
  ]])
endif()
