---@meta

--- An answer to a request of `neap.http`. With `stream = true` it has no `body`: `read` or `chunks`
--- give it while it comes. Its connection is closed when the hook ends.
---@class neap.http.answer
---@field status integer
---@field headers table<string, string>  by lower-case name; several values joined by ", "
---@field body string|nil  nil with `stream`
---@field failure string|nil  why the body ended early; nil: it did not, or goes on
local answer = {}

--- A header field; nil when it is absent.
---@param name string  in any case
---@return string|nil value
function answer:header(name) end

--- The next piece of the body. May wait.
---@return string|nil piece  nil when that was all, or it failed
---@return string|nil reason  nil when that was all
function answer:read() end

--- For a loop over the pieces of the body: `for piece in answer:chunks() do … end`. After it,
--- `answer.failure` says whether that was all. May wait.
---@return fun(): string|nil
function answer:chunks() end

--- No more of the body is wanted.
function answer:close() end

return answer
