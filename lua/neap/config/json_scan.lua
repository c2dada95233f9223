-- A strict reader of JSON (RFC 8259) that builds nothing: it finds what is wrong, with line and
-- column, and keys that an object has twice.

local show = require "neap.config.show"

local scan = {}

local DEPTH_MAX = 64

local Scanner = {}
Scanner.__index = Scanner

local function place_of(text, at)
  local line, last = 1, 0
  for newline in text:sub(1, at - 1):gmatch "()\n" do line, last = line + 1, newline end
  return ("%d:%d"):format(line, at - last)
end

-- Ends the scan: only the first syntax error means anything.
function Scanner:stop(at, message)
  error({ key = "", line = place_of(self.text, at), text = message }, 0)
end

function Scanner:skip_blanks() self.at = self.text:find("[^ \t\r\n]", self.at) or #self.text + 1 end

function Scanner:found()
  if self.at > #self.text then return "the end of the file" end
  local text, at = self.text, self.at
  return show.value(text:match("^[%w_.+-]+", at) or text:match("^.[\128-\191]*", at))
end

function Scanner:expect(what)
  self:stop(self.at, ("%s, where %s is expected"):format(self:found(), what))
end

function Scanner:take(char)
  self:skip_blanks()
  if self.text:sub(self.at, self.at) ~= char then return false end
  self.at = self.at + 1
  return true
end

local ESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

function Scanner:escape(at)
  local char = self.text:sub(at + 1, at + 1)
  if char == "u" then
    local hex = self.text:match("^%x%x%x%x", at + 2)
    if not hex then self:stop(at, "\\u without four hex digits") end
    local code = tonumber(hex, 16)
    return code < 128 and string.char(code) or "\\u" .. hex:lower(), at + 6
  end
  if not char:find '["\\/bfnrt]' then self:stop(at, "an unknown escape in a text") end
  return ESCAPED[char] or char, at + 2
end

function Scanner:string()
  local start, pieces = self.at, {}
  local at = start + 1
  while true do
    local stop = self.text:find('["\\%c]', at)
    if not stop then self:stop(start, "a text without its closing quote") end
    table.insert(pieces, self.text:sub(at, stop - 1))
    local char = self.text:sub(stop, stop)
    if char == '"' then
      self.at = stop + 1
      return table.concat(pieces)
    end
    if char == "\127" then
      pieces[#pieces + 1], at = char, stop + 1
    elseif char ~= "\\" then
      self:stop(stop, "a control character in a text (or its closing quote is missing)")
    else
      pieces[#pieces + 1], at = self:escape(stop)
    end
  end
end

function Scanner:number()
  local text, at = self.text, self.at
  local stop = select(2, text:find("^%-?0", at)) or select(2, text:find("^%-?[1-9]%d*", at))
  if not stop then return false end
  stop = select(2, text:find("^%.%d+", stop + 1)) or stop
  stop = select(2, text:find("^[eE][+-]?%d+", stop + 1)) or stop
  if text:find("^[%w.+-]", stop + 1) then self:stop(at, self:found() .. " is not a number") end
  self.at = stop + 1
  return true
end

function Scanner:word()
  local word = self.text:match("^%a+", self.at)
  if word ~= "true" and word ~= "false" and word ~= "null" then return false end
  self.at = self.at + #word
  return true
end

function Scanner:member(seen, key, depth)
  self:skip_blanks()
  local at = self.at
  if self.text:sub(at, at) ~= '"' then self:expect "a key in double quotes" end
  local name = self:string()
  local path = show.path(key, name)
  if seen[name] then
    local text = "the key is given twice in this object"
    table.insert(self.errors, { key = path, line = place_of(self.text, at), text = text })
  end
  seen[name] = true
  if not self:take ":" then self:expect "':'" end
  self:value(path, depth + 1)
end

function Scanner:object(key, depth)
  self.at = self.at + 1
  local seen = {}
  if self:take "}" then return end
  repeat self:member(seen, key, depth) until not self:take ","
  if not self:take "}" then self:expect "',' or '}'" end
end

function Scanner:array(key, depth)
  self.at = self.at + 1
  if self:take "]" then return end
  local index = 0
  repeat
    index = index + 1
    self:value(show.path(key, index), depth + 1)
  until not self:take ","
  if not self:take "]" then self:expect "',' or ']'" end
end

function Scanner:value(key, depth)
  self:skip_blanks()
  if depth > DEPTH_MAX then self:stop(self.at, "nested too deeply") end
  local char = self.text:sub(self.at, self.at)
  if char == "{" then return self:object(key, depth) end
  if char == "[" then return self:array(key, depth) end
  if char == '"' then return self:string() end
  if not self:number() and not self:word() then self:expect "a value" end
end

local function run(self)
  self:value("", 1)
  self:skip_blanks()
  if self.at <= #self.text then self:expect "the end of the file" end
end

---@param text string
---@return {key: string, line: string, text: string}[]
function scan.errors(text)
  local self = setmetatable({ text = text, at = 1, errors = {} }, Scanner)
  local ok, stopped = pcall(run, self)
  if ok then return self.errors end
  if type(stopped) ~= "table" then error(stopped, 0) end
  return { stopped }
end

return scan
