-- A server that takes the greeting, and then answers each command with the same bytes.
--
--   redis_double.start(says, slowly) → o (support.origin)    slowly: byte by byte; "@" in the
--       answer: two pieces, and then it closes

local origin = require "support.origin"

local redis_double = {}

function redis_double.start(says, slowly)
  return origin.start { allow_errors = true, connection = function(conn)
    while true do
      local head = conn:read_until "\r\n"
      if not head then return end
      local count = tonumber(head:match "%*(%d+)")
      local words = {}
      for i = 1, count do
        local n = tonumber(conn:read_until("\r\n"):match "%$(%d+)")
        words[i] = conn:read(n + 2):sub(1, -3)
      end
      local bytes = words[1] == "HELLO" and "%0\r\n" or says
      for piece in bytes:gmatch(slowly and "." or "[^@]+") do
        if not conn:send(piece) then return end
        conn:wait(0)
      end
      if words[1] ~= "HELLO" and says:find "@" then return conn:close() end
    end
  end }
end

return redis_double
