-- What ctags finds in C files.
local ctags = {}

-- { name, path, kind ("function", "prototype", "struct", …), first and last line, is_static } for
-- each tag of these kinds (ctags' letters) in the files.
function ctags.read(kinds, paths)
  if #paths == 0 then return {} end
  local tags = {}
  local pipe = assert(io.popen(("ctags --languages=C --langmap=C:+.h --kinds-C=%s "
    .. "--fields=+nKzef --sort=no -f - %s"):format(kinds, table.concat(paths, " "))))
  for line in pipe:lines() do
    local name, path, rest = line:match '^(%S+)\t(%S+)\t.-;"\t(.*)$'
    local first = tonumber(rest:match "line:(%d+)")
    table.insert(tags, {
      name = name, path = path, kind = rest:match "kind:(%l+)", first = first,
      last = tonumber(rest:match "end:(%d+)") or first, is_static = rest:find "file:" ~= nil,
    })
  end
  pipe:close()
  return tags
end

return ctags
