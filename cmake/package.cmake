# The Debian package: `cpack -G DEB` in the build folder, or ./dev package.
set(packaging ${CMAKE_SOURCE_DIR}/packaging)

# NEAP_REPRODUCIBLE: the same bytes in whatever folder. ./dev package asks for it; without it, a
# debugger finds the sources of a build where they are.
if(NEAP_REPRODUCIBLE)
  target_compile_options(neap_options INTERFACE -ffile-prefix-map=${CMAKE_BINARY_DIR}=/usr/src/neap/build
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=/usr/src/neap)
  # The build id is made of all that is linked: names of temporary files must not be among it.
  target_link_options(neap_options INTERFACE -Wl,--strip-all)
  target_link_options(neap_options INTERFACE -ffile-prefix-map=${CMAKE_BINARY_DIR}=/usr/src/neap/build
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=/usr/src/neap)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME neap)
set(CPACK_PACKAGE_CONTACT "The neap developers <neap@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "load balancer programmed in Lua")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

# Two packages: the program, and what there is to read.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL neap doc)
set(CPACK_COMPONENTS_GROUPING IGNORE)

set(CPACK_DEBIAN_NEAP_PACKAGE_NAME neap)
set(CPACK_DEBIAN_NEAP_PACKAGE_SECTION net)
set(CPACK_DEBIAN_NEAP_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_NEAP_PACKAGE_RECOMMENDS "logrotate, ca-certificates")
set(CPACK_DEBIAN_NEAP_PACKAGE_SUGGESTS "neap-doc, apparmor, lua-busted, luajit2")
set(CPACK_DEBIAN_NEAP_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_NEAP_DESCRIPTION
  "Small Lua functions, compiled by LuaJIT, decide for each request which\n\
backends there are, which one is picked, whether it is alive, whether to\n\
try again.")
set(CPACK_DEBIAN_NEAP_PACKAGE_CONTROL_EXTRA
  ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm
  ${packaging}/debian/conffiles)

set(CPACK_DEBIAN_DOC_PACKAGE_NAME neap-doc)
set(CPACK_DEBIAN_DOC_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_DOC_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DOC_DESCRIPTION
  "Documentation of neap: tutorial, reference, a cookbook of policies, and\n\
examples.")

set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
  GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# What only the package has: the system's files around the binary.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package_files.cmake)
set(CPACK_NEAP_SOURCE ${CMAKE_SOURCE_DIR})
set(CPACK_NEAP_BINARY ${CMAKE_BINARY_DIR}/neap)
set(CPACK_NEAP_ARCHIVES ${CJSON_LIBRARY})
include(CPack)
