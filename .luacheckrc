std = "luajit"
max_line_length = 100
max_cyclomatic_complexity = 15
ignore = { "212/_.*" }
cache = false

files["spec/**/*.lua"].std = "luajit+busted"
files["examples/**/*_spec.lua"].std = "luajit+busted"
files[".busted"].std = "luajit"

-- Declarations for editors: functions without bodies.
files["lua/neap/meta/*.lua"].unused_args = false
files["lua/neap/meta/*.lua"].self = false
