# The warnings that all of our C compiles without.
target_compile_options(neap_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes)

if(NEAP_WERROR)
  target_compile_options(neap_options INTERFACE -Werror)
endif()
