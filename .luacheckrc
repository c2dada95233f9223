std = "luajit"
max_line_length = 100
max_cyclomatic_complexity = 15
ignore = { "212/_.*" }
cache = false

files["spec/**/*.lua"].std = "luajit+busted"
files["examples/**/*_spec.lua"].std = "luajit+busted"
files[".busted"].std = "luajit"
