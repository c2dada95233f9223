-- Numbers as texts that read back as the same number, with no digit more or less than needed.

local EXACT = 2 ^ 53 -- integers up to here are all there

---@param n number  finite
---@return string
return function(n)
  if n % 1 == 0 and n <= EXACT and n >= -EXACT then return ("%d"):format(n) end
  local text = ("%.15g"):format(n)
  if tonumber(text) == n then return text end
  text = ("%.16g"):format(n)
  return tonumber(text) == n and text or ("%.17g"):format(n)
end
