# NEAP_ASAN: memory errors, leaks and undefined behaviour end the program with a report.
if(NEAP_ASAN)
  set(flags -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_compile_options(neap_options INTERFACE ${flags})
  target_link_options(neap_options INTERFACE ${flags})
endif()
