-- Loaded by busted before the specs (see .busted): paths, signals, and the rule that everything a
-- spec started ends with it.
package.path = "./lua/?.lua;./lua/?/init.lua;./spec/?.lua;" .. package.path

local busted = require "busted"
local signal = require "posix.signal"
local scope = require "support.scope"
local process = require "support.process"

-- Loaded here so that all spec files share one instance.
require "support.eventually"
require "support.net"
require "support.client"
require "support.origin"
require "support.neap"
require "support.probe"

signal.signal(signal.SIGPIPE, signal.SIG_IGN)
process.adopt_orphans()

local passed = false

busted.before_each(function()
  passed = false
  scope.open()
end)

busted.subscribe({ "test", "end" }, function(_, _, status)
  passed = status == "success" or status == "pending"
  return nil, true
end)

busted.after_each(function()
  local ok, err = pcall(scope.close, passed)
  process.check_leftovers()
  if not ok then error(err, 0) end
end)

-- What `setup` started lives until the file ends.
busted.subscribe({ "file", "end" }, function()
  scope.close_file()
  return nil, true
end)
