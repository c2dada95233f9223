-- The errors of one configuration, collected so that all of them are reported at once.

local report = {}
report.__index = report

local MOST = 50

---@return table  -- errors: a list of { key =, text = }
function report.new() return setmetatable({ errors = {}, left_out = 0 }, report) end

---@param key string  path of the key, "" for the file as a whole
---@param text string  what is wrong, what was expected
function report:add(key, text)
  if self:is_full() then return self:leave_out(1) end
  table.insert(self.errors, { key = key, text = text })
end

-- Nobody reads more: further errors are only counted.
function report:is_full() return #self.errors >= MOST end
function report:leave_out(count) self.left_out = self.left_out + count end

function report:is_clean() return #self.errors == 0 end

function report:close()
  if self.left_out > 0 then
    local text = ("and %d more errors"):format(self.left_out)
    table.insert(self.errors, { key = "", text = text, count = self.left_out })
    self.left_out = 0
  end
  return self.errors
end

return report
