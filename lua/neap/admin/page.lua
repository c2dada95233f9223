-- The dashboard: a page, its style and its scripts, as the build put them into the binary.

local native = require "neap.native"
local reply = require "neap.admin.reply"

local page = {}

local FOLDER = "share/dashboard/"

-- Nothing from elsewhere, nothing inline, no frame around it.
local POLICY = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
  .. "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
  .. "frame-ancestors 'none'\r\n"

local function answer(name, kind)
  return reply.text(200, kind .. "; charset=utf-8", native.embedded(FOLDER .. name), POLICY)
end

function page.index() return answer("index.html", "text/html") end

function page.style() return answer("dashboard.css", "text/css") end

function page.script(_, name)
  if not native.embedded(FOLDER .. name) then
    return reply.error(404, "the dashboard has no such script")
  end
  return answer(name, "text/javascript")
end

return page
