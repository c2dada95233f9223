-- Answers of the admin side: { status, headers (whole lines), body }.

local json = require "neap.admin.json"

local reply = {}

-- For every answer: it must not be cached, sniffed, framed or passed on as a referrer.
local ALWAYS = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
  .. "Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
  .. "Cross-Origin-Resource-Policy: same-origin\r\n"
local NOTHING = "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"

-- Header values must not have line ends, wherever they come from.
local function one_line(text) return (text:gsub("%c", " ")) end

---@param more string?  header lines
function reply.text(status, kind, body, more)
  local policy = more and more:find "Content%-Security%-Policy" and "" or NOTHING
  local headers = ("Content-Type: %s\r\n"):format(one_line(kind)) .. ALWAYS .. policy
    .. (more or "")
  return { status = status, headers = headers, body = body }
end

function reply.json(status, value, more)
  return reply.text(status, "application/json", json.encode(value) .. "\n", more)
end

-- Every error: { "error": …, "status": … }.
function reply.error(status, text, more)
  return reply.json(status, { error = text, status = status }, more)
end

function reply.etag(tag) return ('ETag: "%s"\r\n'):format(tag) end

return reply
