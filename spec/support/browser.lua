-- A headless Chromium, driven over WebDriver (https://www.w3.org/TR/webdriver2/).
--
--   local page = browser.open(url, { width = 1200, height = 800, dark = false, args = {} })
--       args: further arguments of chromium's
--   page:text("css selector") → its text, or nil        page:count("css selector")
--   page:click("css selector"), page:type("css selector", text)
--   page:run("return …", arguments…) → value            script in the page
--   page:screenshot(path)
--   page:go(url)
--
-- Ends with the spec.

local cjson = require "cjson"
local client = require "support.client"
local eventually = require "support.eventually"
local mime = require "mime"
local process = require "support.process"
local scope = require "support.scope"

local browser = {}
local Page = {}
Page.__index = Page

local ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

local function call(self, method, path, value)
  local c = client.connect(self.address, { timeout = 30 })
  local body = value and cjson.encode(value) or nil
  local response = c:request(method, self.base .. path, {
    Connection = "close", ["Content-Type"] = body and "application/json" or nil,
  }, body)
  c:close()
  local answer = cjson.decode(response.body).value
  if response.status ~= 200 then
    error(("browser: %s %s: %s"):format(method, path, answer.message:match "^[^\n]*"), 3)
  end
  return answer ~= cjson.null and answer or nil
end

-- The port it says it has; false: it has ended, since its port of IPv6 was taken for IPv4.
local function driver_port(driver)
  local port = driver:stdout():match "successfully on port (%d+)"
  if port or driver:alive() then return port end
  return false
end

local function start_driver(self)
  local port
  repeat
    local dir = scope.directory()
    self.process = process.spawn {
      argv = { "chromedriver", "--port=0" },
      env = { HOME = dir, PATH = os.getenv "PATH", TMPDIR = dir },
      cwd = dir, dir = dir, name = "chromedriver",
    }
    eventually(function()
      port = driver_port(self.process)
      return port ~= nil
    end, 15, "chromedriver")
  until port
  self.address = "127.0.0.1:" .. port
end

function browser.open(url, options)
  options = options or {}
  local self = setmetatable({ base = "" }, Page)
  start_driver(self)
  scope.add(self)
  local args = {
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    ("--window-size=%d,%d"):format(options.width or 1200, options.height or 800),
  }
  if options.dark then table.insert(args, "--blink-settings=preferredColorScheme=0") end
  for _, argument in ipairs(options.args or {}) do table.insert(args, argument) end
  local session = call(self, "POST", "/session", { capabilities = { alwaysMatch = {
    browserName = "chrome", ["goog:chromeOptions"] = { args = args },
  } } })
  self.base = "/session/" .. session.sessionId
  if options.width then
    call(self, "POST", "/window/rect", { width = options.width, height = options.height or 800 })
  end
  self:go(url)
  return self
end

function Page:go(url) call(self, "POST", "/url", { url = url }) end

local function elements(self, selector)
  return call(self, "POST", "/elements", { using = "css selector", value = selector })
end

local function element(self, selector)
  local found = elements(self, selector)[1]
  return found and "/element/" .. found[ELEMENT]
end

local function wanted(self, selector)
  return element(self, selector) or error("browser: there is no " .. selector, 3)
end

function Page:count(selector) return #elements(self, selector) end

-- The text that a person sees.
function Page:text(selector)
  local path = element(self, selector)
  return path and call(self, "GET", path .. "/text") or nil
end

function Page:click(selector)
  call(self, "POST", wanted(self, selector) .. "/click", { unused = true }) -- {} would be a list
end

function Page:type(selector, text)
  call(self, "POST", wanted(self, selector) .. "/value", { text = text })
end

function Page:run(script, ...)
  local arguments = { ... }
  if #arguments == 0 then arguments = { cjson.null } end
  return call(self, "POST", "/execute/sync", { script = script, args = arguments })
end

function Page:screenshot(path)
  scope.write(path, (mime.unb64(call(self, "GET", "/screenshot"))))
end

function Page:dispose()
  pcall(call, self, "DELETE", "")
  process.signal(self.process.pid, "TERM")
  self.process:wait(5)
end

return browser
