-- Long texts from many short pieces: LuaJIT's string.buffer where there is one, which makes no
-- string of each piece.

local has_buffers, native = pcall(require, "string.buffer")

local buffer = {}

local Pieces = {}
Pieces.__index = Pieces

function Pieces:put(...)
  for i = 1, select("#", ...) do self[#self + 1] = (select(i, ...)) end
end

function Pieces:get() return table.concat(self) end

-- put(text, …) adds; get() gives all.
function buffer.new()
  if has_buffers then return native.new() end
  return setmetatable({}, Pieces)
end

return buffer
