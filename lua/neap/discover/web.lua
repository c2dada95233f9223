-- What pages that speak HTTP with a registry have in common: tokens, TLS, answers in JSON, their
-- failures in words.

local files = require "neap.discover.files"
local neap = require "neap"
local show = require "neap.config.show"

local web = {}

local TIMEOUT = 10 -- seconds for an answer that nobody holds back
local WORDS_MAX = 200

-- The server whose turn it is: after each failure the next one.
---@param settings table
---@param registry table
---@param default string?
---@return string? url  without a slash at its end
function web.endpoint(settings, registry, default)
  local list = settings.endpoints or { default }
  local url = list[(registry.turn - 1) % math.max(#list, 1) + 1]
  return url and (url:gsub("/$", ""))
end

---@param settings table
---@return table? options  of neap.http, nil: none are needed
---@return string? why
function web.tls(settings)
  local own = settings.tls
  if not own then return nil end
  local options = { verify = own.verify, server_name = own.server_name }
  for _, key in ipairs { "ca", "certificate", "key" } do
    local pem, why = files.pem(own[key])
    if why then return nil, why end
    options[key] = pem
  end
  return options
end

---@param settings table  token, or token_file
---@return string? token, string? why
function web.token(settings)
  if not settings.token_file then return settings.token end
  return files.first_line(settings.token_file)
end

-- What a server says of an error, on one line.
---@param answer table
---@return string
function web.refusal(answer)
  local text = (answer.body or ""):gsub("%s+", " "):sub(1, WORDS_MAX):gsub("%c", "?")
  return ("it answers %d%s"):format(answer.status, text ~= "" and ": " .. text or "")
end

local function server_of(options) return options.url:match "^%w+://[^/?]+" end

-- One request. nil and why, with the server's name.
---@param settings table
---@param options table  url, headers, method, body, stream, timeout, of neap.http.request
---@return table? answer, string? why
function web.request(settings, options)
  local tls, why = web.tls(settings)
  if why then return nil, why end
  options.tls, options.timeout = tls, options.timeout or TIMEOUT
  options.connect_timeout = math.min(3, options.timeout)
  if not options.stream then options.max_bytes = settings.max_bytes end
  local ok, answer, reason = pcall(neap.http.request, options)
  if ok and answer then return answer end
  return nil, ("%s: %s"):format(server_of(options), tostring(ok and reason or answer))
end

---@param text string
---@return any? value, string? why
function web.decode(text)
  local value, why = neap.json.decode(text)
  if value == nil then return nil, ("this is not JSON: %s"):format(show.text(tostring(why))) end
  return value
end

---@param value any
---@return string
function web.encode(value) return (assert(neap.json.encode(value))) end

-- The same as `request` for an answer that is JSON of status 200.
---@return any? value
---@return string|table why_or_answer
function web.ask(settings, options)
  local answer, why = web.request(settings, options)
  if not answer then return nil, why end
  local value
  if answer.status == 200 then
    value, why = web.decode(answer.body)
  else
    why = web.refusal(answer)
  end
  if value == nil then return nil, ("%s: %s"):format(server_of(options), why) end
  return value, answer
end

-- The lines of a streaming answer, without the empty ones: take(line) → true to go on. true: the
-- stream ended as it should; nil and why: take's reason, or what cut it.
---@param answer table  with stream = true
---@param most integer  bytes of one line
---@param take fun(line: string): boolean?, string?
---@return true? is_whole, string? why
function web.lines(answer, most, take)
  local rest, n = {}, 0
  for piece in answer:chunks() do
    local from = 1
    for till in piece:gmatch "()\n" do
      table.insert(rest, piece:sub(from, till - 1))
      local line = table.concat(rest)
      rest, n, from = {}, 0, till + 1
      local goes_on, why = true, nil
      if line ~= "" then goes_on, why = take(line) end
      if not goes_on then return nil, why end
    end
    table.insert(rest, piece:sub(from))
    n = n + #piece - from + 1
    if n > most then return nil, "a message of its watch is too large" end
  end
  if answer.failure then return nil, answer.failure end
  local line, goes_on, why = table.concat(rest), true, nil
  if line ~= "" then goes_on, why = take(line) end
  return goes_on and true or nil, why
end

return web
