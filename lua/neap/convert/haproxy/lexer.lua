-- The lines of HAProxy's configuration as words.

local lexer = {}

local ESCAPED = { n = "\n", r = "\r", t = "\t", [" "] = " ", ["#"] = "#", ["\\"] = "\\",
  ['"'] = '"', ["'"] = "'", ["$"] = "$" }

-- What a backslash makes of the characters behind it, and where it goes on. Others keep it, for the
-- regular expressions that they are part of.
local function escape_at(line, at)
  local c = line:sub(at, at)
  if c == "x" then
    local hex = line:match("^%x%x", at + 1)
    if hex then return string.char(tonumber(hex, 16)), at + 3 end
  end
  return ESCAPED[c] or "\\" .. c, at + 1
end

-- A text in quotes: its characters, and where it goes on; nil: it has no end.
local function quoted_at(line, at, quote, parts)
  while at <= #line do
    -- linear: one byte, or one of two
    local stop = line:find(quote == "'" and "'" or '["\\]', at)
    if not stop then return nil end
    table.insert(parts, line:sub(at, stop - 1))
    if line:sub(stop, stop) == quote then return stop + 1 end
    local text
    text, at = escape_at(line, stop + 1)
    table.insert(parts, text)
  end
  return nil
end

local function word_at(line, at)
  local parts = {}
  while at <= #line do
    local stop = line:find("[%s#\\\"']", at) or #line + 1
    table.insert(parts, line:sub(at, stop - 1))
    local c = line:sub(stop, stop)
    if c == "" or c == "#" or c:find "%s" then return table.concat(parts), stop end
    if c == "\\" then
      local text
      text, at = escape_at(line, stop + 1)
      table.insert(parts, text)
    else
      at = quoted_at(line, stop + 1, c, parts)
      if not at then return nil end
    end
  end
  return table.concat(parts), at
end

---@return string[]? words, string? why
function lexer.words(line)
  local words, at = {}, 1
  while true do
    at = line:find("%S", at)
    if not at or line:sub(at, at) == "#" then return words end
    local word, stop = word_at(line, at)
    if not word then return nil, "a text in quotes has no end" end
    table.insert(words, word)
    at = stop
  end
end

return lexer
