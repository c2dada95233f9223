-- Values and key paths as error messages print them.

local show = {}

local SHOWN = 60

-- Control characters as \xNN, so that no value can forge a line; cut when long.
---@param text string
---@return string
function show.text(text)
  if #text > SHOWN then -- not in the middle of a character
    text = text:sub(1, SHOWN):gsub("[\192-\255][\128-\191]*$", "") .. "…"
  end
  return (text:gsub("%c", function(c) return ("\\x%02x"):format(c:byte()) end))
end

---@param value any
---@return string
function show.value(value)
  local kind = type(value)
  if kind == "string" then return "'" .. show.text(value) .. "'" end
  if kind == "number" then return ("%.14g"):format(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "nil" then return "nothing" end
  if kind == "userdata" or kind == "cdata" then return "null" end
  return "a " .. kind
end

-- "services[2]", "interval" → "services[2].interval"; numbers become [n], other words are quoted.
---@param parent string
---@param key any
---@return string
function show.path(parent, key)
  if type(key) == "number" then return ("%s[%.14g]"):format(parent, key) end
  local word = tostring(key)
  if type(key) ~= "string" or not word:find "^[%a_][%w_]*$" then
    return ('%s["%s"]'):format(parent, show.text(word))
  end
  return parent == "" and word or parent .. "." .. word
end

return show
