-- Lines of a function that is being written.

local code = require "neap.convert.code"

local Lines = {}
Lines.__index = Lines

function Lines:add(format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  -- linear: each line is taken once, and there is an end for the last one
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    table.insert(self.list, line == "" and "" or ("  "):rep(self.depth) .. line)
  end
end

function Lines:remark(text) self:add("%s", code.comment(text)) end

function Lines:open(...)
  self:add(...)
  self.depth = self.depth + 1
end

function Lines:close(...)
  self.depth = self.depth - 1
  self:add(...)
end

-- Takes the last line back if it is the end of a block, which then goes on with `else`.
function Lines:reopen()
  if self.list[#self.list] ~= ("  "):rep(self.depth) .. "end" then return false end
  table.remove(self.list)
  return true
end

-- Lines of the same depth.
function Lines:raw(other)
  for _, line in ipairs(other.list) do table.insert(self.list, line) end
end

function Lines:text() return table.concat(self.list, "\n") end

---@param depth integer?
return function(depth) return setmetatable({ list = {}, depth = depth or 0 }, Lines) end
