# Run by cpack once the installation is gathered in folders, one a package: the files that only the
# packages have.
set(neap ${CPACK_TEMPORARY_DIRECTORY}/neap)
set(doc ${CPACK_TEMPORARY_DIRECTORY}/doc)
set(pages /usr/share/doc/neap) # both packages', as Debian's policy §12.3 prefers

# put(<root of a package> <file of the source tree> <path on the system>)
function(put root file path)
  get_filename_component(folder ${path} DIRECTORY)
  file(MAKE_DIRECTORY ${root}${folder})
  file(COPY_FILE ${CPACK_NEAP_SOURCE}/${file} ${root}${path})
  file(CHMOD ${root}${path} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

# A plain installation's config is the one to try neap with.
file(REMOVE_RECURSE ${neap}/usr/etc)

put(${neap} packaging/debian/config.lua /etc/neap/config.lua)
put(${neap} packaging/logrotate/neap /etc/logrotate.d/neap)
put(${neap} packaging/apparmor/usr.bin.neap /etc/apparmor.d/usr.bin.neap)
put(${neap} packaging/systemd/neap.service /lib/systemd/system/neap.service)
put(${neap} packaging/debian/lintian-overrides /usr/share/lintian/overrides/neap)
put(${neap} packaging/debian/copyright ${pages}/copyright)
put(${neap} CHANGELOG.md ${pages}/NEWS)
put(${doc} packaging/debian/copyright /usr/share/doc/neap-doc/copyright)
put(${doc} packaging/systemd/neap.socket.example ${pages}/examples/neap.socket)
put(${doc} packaging/prometheus/neap.rules.yml ${pages}/examples/neap.rules.yml)
put(${doc} packaging/grafana/neap.json ${pages}/examples/neap-grafana.json)

# The documentation as it is, for its links.
file(COPY ${CPACK_NEAP_SOURCE}/docs DESTINATION ${doc}${pages}
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ PATTERN man EXCLUDE)
put(${doc} README.md ${pages}/README.md)

# The package's own changelog, as Debian wants it; what changed in neap is in NEWS.
function(put_changelog root package)
  file(WRITE ${root}/usr/share/doc/${package}/changelog
    "neap (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
    "  * What changed is in /usr/share/doc/neap/NEWS.gz.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  Sun, 22 Nov 2026 12:00:00 +0000\n")
  file(CHMOD ${root}/usr/share/doc/${package}/changelog
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()
put_changelog(${neap} neap)
put_changelog(${doc} neap-doc)

# What the binary is made of, for those who look for known faults in it.
execute_process(COMMAND ${CPACK_NEAP_SOURCE}/packaging/debian/sbom neap ${CPACK_PACKAGE_VERSION}
  ${CPACK_NEAP_BINARY} ${CPACK_NEAP_ARCHIVES}
  OUTPUT_FILE ${neap}${pages}/neap.cdx.json COMMAND_ERROR_IS_FATAL ANY)
file(CHMOD ${neap}${pages}/neap.cdx.json PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)

# Debian's policy §12.7 wants its text documents compressed, with the same bytes each time.
file(GLOB texts ${neap}/usr/share/man/man*/* ${neap}${pages}/NEWS ${neap}${pages}/changelog
  ${doc}/usr/share/doc/neap-doc/changelog)
foreach(text ${texts})
  execute_process(COMMAND gzip -9n ${text} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
