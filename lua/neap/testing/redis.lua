-- A Redis of the test kit: a table of answers, or a function.
--
--   redis["host:port"] = { ["GET a"] = "1", ["INCR n"] = function(name) return 2 end }
--   redis["host:port"] = function(command, ...) return … end
-- An answer: a text, number, boolean, list or map; nil: null; { err = "ERR …" }: it failed.

local peer = {}

local function is_list(value)
  local n = 0
  for _ in pairs(value) do n = n + 1 end
  return n == #value
end

local encode

local function encode_table(value)
  if value.err then return "-" .. value.err .. "\r\n" end
  local parts, n = { "" }, 0
  local list = is_list(value)
  for key, item in (list and ipairs or pairs)(value) do
    n = n + 1
    if not list then table.insert(parts, encode(key)) end
    table.insert(parts, encode(item))
  end
  parts[1] = ("%s%d\r\n"):format(list and "*" or "%", n)
  return table.concat(parts)
end

function encode(value)
  local kind = type(value)
  if kind == "table" then return encode_table(value) end
  if kind == "boolean" then return value and "#t\r\n" or "#f\r\n" end
  if kind == "number" then
    return (value % 1 == 0 and ":%d\r\n" or ",%.17g\r\n"):format(value)
  end
  if kind == "string" then return ("$%d\r\n%s\r\n"):format(#value, value) end
  return "_\r\n"
end

local GREETINGS = { HELLO = "%0\r\n", AUTH = "+OK\r\n", SELECT = "+OK\r\n" }

local function answer(answers, words)
  local greeting = GREETINGS[words[1]]
  if greeting then return greeting end
  if type(answers) == "function" then return encode(answers(unpack(words))) end
  local found = answers[table.concat(words, " ")]
  if found == nil then found = answers[words[1]] end
  if type(found) == "function" then found = found(unpack(words, 2)) end
  return encode(found)
end

-- The first command, and what follows it; nil: it is not whole.
local function command_of(bytes)
  local count, at = bytes:match "^%*(%d+)\r\n()"
  if not count then return nil, bytes end
  local words = {}
  for i = 1, tonumber(count) do
    local n, from = bytes:match("^%$(%d+)\r\n()", at)
    if not n then return nil, bytes end
    words[i], at = bytes:sub(from, from + n - 1), from + n + 2
  end
  return words, bytes:sub(at)
end

---@param answers table|function
---@param bytes string  that were sent
---@return string bytes, string rest  what is received; what is no whole command yet
function peer.talk(answers, bytes)
  local out = {}
  local words, rest = command_of(bytes)
  while words do
    table.insert(out, answer(answers, words))
    words, rest = command_of(rest)
  end
  return table.concat(out), rest
end

return peer
