-- How long the texts of a backend may be: the board keeps them in this much room.

local ffi = require "neap.ffi"

local room = {}

local member = ffi.new "neap_member"

for _, field in ipairs { "name", "url", "host", "base", "path" } do
  room[field] = ffi.sizeof(member[field]) - 1 -- C's zero at the end
end

return room
