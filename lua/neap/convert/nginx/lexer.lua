-- The words of nginx's configuration language.
--
--   lexer.new(text, file) → l;  l:next() → kind, value, is_quoted
--   kind: "word", ";", "{", "}", "end", or nil and what is wrong

local lexer = {}
local Lexer = {}
Lexer.__index = Lexer

local WORD = 65536 -- bytes

function lexer.new(text, file)
  return setmetatable({ text = text, file = file, at = 1, line = 1 }, Lexer)
end

-- Skips up to `to`, which is not included, and counts the lines.
local function skip(self, to)
  local at = self.at
  while true do
    local newline = self.text:find("\n", at, true)
    if not newline or newline >= to then break end
    self.line, at = self.line + 1, newline + 1
  end
  self.at = to
end

local function skip_blank(self)
  while true do
    local stop = self.text:find("%S", self.at) or #self.text + 1
    skip(self, stop)
    if self.text:sub(stop, stop) ~= "#" then return end
    skip(self, self.text:find("\n", stop, true) or #self.text + 1)
  end
end

local ESCAPED = { ['"'] = '"', ["'"] = "'", ["\\"] = "\\", t = "\t", r = "\r", n = "\n" }

-- Other escapes stay for the regular expression that they are part of.
local function unescape(word)
  if not word:find("\\", 1, true) then return word end
  return (word:gsub("\\(.)", function(c) return ESCAPED[c] end))
end

local function quoted(self, quote)
  local first, at = self.at + 1, self.at + 1
  while true do
    local stop = self.text:find("[\\" .. quote .. "]", at) -- linear: one of two bytes
    if not stop then return nil, "a text in quotes has no end" end
    if self.text:sub(stop, stop) == quote then
      local word = self.text:sub(first, stop - 1)
      skip(self, stop + 1)
      return word
    end
    at = stop + 2
  end
end

-- `${name}` is part of a word.
local function bare(self)
  local at = self.at
  while true do
    local stop = self.text:find("[%s;{\\]", at) or #self.text + 1
    local c = self.text:sub(stop, stop)
    if c == "\\" then
      at = stop + 2
    elseif c == "{" and self.text:sub(stop - 1, stop - 1) == "$" and stop > self.at then
      at = stop + 1
    else
      local word = self.text:sub(self.at, stop - 1)
      skip(self, stop)
      return word
    end
  end
end

function Lexer:next()
  skip_blank(self)
  local c = self.text:sub(self.at, self.at)
  if c == "" then return "end" end
  if c == ";" or c == "{" or c == "}" then
    self.at = self.at + 1
    return c
  end
  local is_quoted = c == '"' or c == "'"
  local word, why
  if is_quoted then word, why = quoted(self, c) else word = bare(self) end
  if not word then return nil, why end
  if #word > WORD then return nil, ("a word of more than %d bytes"):format(WORD) end
  return "word", unescape(word), is_quoted
end

-- What stands in the braces of another language, up to the brace that closes them.
---@return string?
function Lexer:raw()
  local first, depth, at = self.at, 1, self.at
  while true do
    local stop = self.text:find("[{}]", at)
    if not stop then return nil end
    depth = depth + (self.text:sub(stop, stop) == "{" and 1 or -1)
    if depth == 0 then
      skip(self, stop + 1)
      return self.text:sub(first, stop - 1)
    end
    at = stop + 1
  end
end

return lexer
