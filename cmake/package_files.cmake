# Run by cpack once the installation is gathered in a folder: the files that only the package has.
set(root ${CPACK_TEMPORARY_DIRECTORY})

# put(<file of the source tree> <path on the system>)
function(put file path)
  get_filename_component(folder ${path} DIRECTORY)
  file(MAKE_DIRECTORY ${root}${folder})
  file(COPY_FILE ${CPACK_NEAP_SOURCE}/${file} ${root}${path})
  file(CHMOD ${root}${path} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

# A plain installation's config is the one to try neap with.
file(REMOVE_RECURSE ${root}/usr/etc)

put(packaging/debian/config.lua /etc/neap/config.lua)
put(packaging/logrotate/neap /etc/logrotate.d/neap)
put(packaging/systemd/neap.service /lib/systemd/system/neap.service)
put(LICENSE /usr/share/doc/neap/copyright)
put(packaging/systemd/neap.socket.example /usr/share/doc/neap/examples/neap.socket)
put(packaging/prometheus/neap.rules.yml /usr/share/doc/neap/examples/neap.rules.yml)
put(packaging/grafana/neap.json /usr/share/doc/neap/examples/neap-grafana.json)

# The documentation as it is, for its links.
file(COPY ${CPACK_NEAP_SOURCE}/docs DESTINATION ${root}/usr/share/doc/neap
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ PATTERN man EXCLUDE)
put(README.md /usr/share/doc/neap/README.md)

# The package's own changelog, as Debian wants it; what changed in neap is in NEWS.
file(WRITE ${root}/usr/share/doc/neap/changelog "neap (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
  "  * What changed is in /usr/share/doc/neap/NEWS.gz.\n\n"
  " -- ${CPACK_PACKAGE_CONTACT}  Sun, 22 Nov 2026 12:00:00 +0000\n")
file(CHMOD ${root}/usr/share/doc/neap/changelog
  PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)

# Debian's policy §12.7 wants its text documents compressed, with the same bytes each time.
foreach(text usr/share/doc/neap/NEWS usr/share/doc/neap/changelog usr/share/man/man1/neap-sim.1 usr/share/man/man5/neap-config.5
    usr/share/man/man7/neap-policy.7 usr/share/man/man8/neap.8)
  if(text STREQUAL "usr/share/doc/neap/NEWS")
    put(CHANGELOG.md /${text})
  endif()
  execute_process(COMMAND gzip -9n ${root}/${text} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
