-- Checks that the backend gives a good answer over TLS: as neap.check.http, which sees by the type.

return require "neap.check.http"
