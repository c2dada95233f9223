-- What becomes of a directive, by the kind of its block.
--
--   KNOWN[kind][name]: "" is of no concern to neap, or done by it anyway; true: it is converted
--   where it matters; any other text says why there is no counterpart.

local directives = {}

local FILES = "neap serves no files: put a server for files behind it, or a service beside it"
local CACHE = "neap does not cache answers"
local GATEWAY = "neap speaks HTTP to backends: no FastCGI, uwsgi, SCGI or memcached"
local CHANGES = "answers can be changed by response:set_body in the hook response"

local function words(text, value, into)
  for word in text:gmatch "[%w_]+" do into[word] = value end
end

local EVERYWHERE = {}

words([[sendfile sendfile_max_chunk tcp_nopush tcp_nodelay aio directio directio_alignment
  output_buffers read_ahead open_file_cache open_file_cache_valid open_file_cache_errors
  open_file_cache_min_uses types_hash_max_size types_hash_bucket_size server_names_hash_max_size
  server_names_hash_bucket_size variables_hash_max_size variables_hash_bucket_size
  map_hash_max_size map_hash_bucket_size proxy_headers_hash_max_size
  proxy_headers_hash_bucket_size client_header_buffer_size client_body_buffer_size
  client_body_temp_path client_body_in_file_only client_body_in_single_buffer
  proxy_temp_path proxy_buffering proxy_request_buffering proxy_buffers proxy_buffer_size
  proxy_busy_buffers_size proxy_max_temp_file_size proxy_temp_file_write_size proxy_http_version
  fastcgi_temp_path uwsgi_temp_path scgi_temp_path
  fastcgi_buffers fastcgi_buffer_size server_tokens log_not_found log_subrequest
  msie_padding msie_refresh connection_pool_size request_pool_size reset_timedout_connection
  lingering_close lingering_time lingering_timeout postpone_output send_timeout send_lowat
  gzip_vary gzip_proxied gzip_buffers gzip_http_version gzip_disable brotli_comp_level
  brotli_min_length
  default_type types charset charset_types source_charset override_charset
  limit_req_log_level limit_conn_log_level open_log_file_cache rewrite_log
  merge_slashes absolute_redirect port_in_redirect server_name_in_redirect
  ssl_session_cache ssl_session_timeout ssl_prefer_server_ciphers ssl_dhparam ssl_buffer_size
  ssl_ecdh_curve ssl_early_data ssl_trusted_certificate ssl_stapling_verify
  http2_max_concurrent_streams http2_recv_timeout http2_idle_timeout http2_push_preload
  http2_chunk_size http2_body_preread_size proxy_ssl_session_reuse proxy_ssl_server_name
  proxy_ssl_protocols proxy_ssl_ciphers proxy_socket_keepalive proxy_ignore_client_abort
  proxy_next_upstream_timeout proxy_pass_request_headers proxy_pass_request_body proxy_bind_dynamic
  real_ip_recursive resolver resolver_timeout underscores_in_headers ignore_invalid_headers
  index recursive_error_pages keepalive_disable preread_buffer_size preread_timeout
  proxy_protocol_timeout proxy_buffer_size tcp_nodelay chunked_transfer_encoding
  uninitialized_variable_warn etag if_modified_since max_ranges disable_symlinks http2
  internal break_point]], "", EVERYWHERE)

words([[access_log error_log add_header expires proxy_set_header proxy_pass grpc_pass
  grpc_set_header proxy_connect_timeout proxy_read_timeout proxy_send_timeout proxy_next_upstream
  proxy_next_upstream_tries proxy_hide_header proxy_pass_header proxy_redirect
  proxy_ssl_verify proxy_ssl_trusted_certificate
  proxy_ssl_name proxy_ssl_certificate proxy_ssl_certificate_key proxy_intercept_errors
  grpc_connect_timeout grpc_read_timeout grpc_send_timeout
  client_max_body_size client_header_timeout client_body_timeout keepalive_timeout
  keepalive_requests large_client_header_buffers limit_req limit_conn limit_req_zone
  limit_conn_zone limit_req_status limit_conn_status allow deny auth_basic auth_basic_user_file
  satisfy error_page return rewrite set if break location server upstream map geo split_clients
  listen server_name try_files root alias gzip gzip_types gzip_min_length gzip_comp_level brotli
  brotli_types
  ssl ssl_certificate ssl_certificate_key ssl_protocols ssl_ciphers ssl_conf_command
  ssl_client_certificate ssl_verify_client ssl_verify_depth ssl_crl ssl_session_tickets
  ssl_session_ticket_key ssl_stapling ssl_stapling_file ssl_handshake_timeout
  ssl_reject_handshake set_real_ip_from
  real_ip_header proxy_timeout proxy_responses proxy_requests proxy_protocol ssl_preread proxy_ssl
  mirror include limit_except log_format]], true, EVERYWHERE)

words("autoindex autoindex_exact_size autoindex_localtime autoindex_format random_index mp4 "
  .. "flv dav_methods create_full_put_path dav_access", FILES, EVERYWHERE)
words("fastcgi_pass uwsgi_pass scgi_pass memcached_pass", GATEWAY, EVERYWHERE)
words([[fastcgi_param fastcgi_index fastcgi_split_path_info fastcgi_read_timeout
  fastcgi_send_timeout fastcgi_connect_timeout fastcgi_intercept_errors uwsgi_param scgi_param
  fastcgi_hide_header]], "", EVERYWHERE)
words("proxy_cache proxy_cache_path fastcgi_cache fastcgi_cache_path uwsgi_cache_path "
  .. "proxy_store", CACHE, EVERYWHERE)
words([[proxy_cache_valid proxy_cache_key proxy_cache_bypass proxy_no_cache proxy_cache_use_stale
  proxy_cache_lock proxy_cache_lock_timeout proxy_cache_methods proxy_cache_min_uses
  proxy_cache_revalidate proxy_cache_background_update proxy_ignore_headers fastcgi_cache_valid
  fastcgi_cache_key]], "", EVERYWHERE)
words("sub_filter sub_filter_once sub_filter_types addition_types add_before_body add_after_body "
  .. "ssi xslt_stylesheet image_filter", CHANGES, EVERYWHERE)
words("gunzip gzip_static brotli_static", "neap compresses what backends do not: see compress",
  EVERYWHERE)

local MORE = {
  auth_request = "an auth server is asked by neap.http in the hook request: see examples/auth",
  auth_request_set = "see auth_request",
  auth_jwt = "tokens are verified by neap.jwt in the hook request",
  stub_status = "the admin side tells this: admin = { listen = \"127.0.0.1:9180\" }",
  api = "the admin side tells this: admin = { listen = \"127.0.0.1:9180\" }",
  proxy_cookie_path = "cookies of backends can be changed in the hook response",
  proxy_cookie_domain = "cookies of backends can be changed in the hook response",
  proxy_cookie_flags = "cookies of backends can be changed in the hook response",
  proxy_method = "neap passes the client's method on",
  proxy_set_body = "request:set_body in the hook request does this",
  proxy_bind = "neap does not choose the address that it connects from",
  proxy_limit_rate = "neap does not slow down answers",
  limit_rate = "neap does not slow down answers",
  limit_rate_after = "neap does not slow down answers",
  limit_req_dry_run = "count the answers of limit:take instead of refusing",
  valid_referers = "the hook request can look at request:header \"referer\"",
  secure_link = "neap.crypto in the hook request can do this",
  http2_push = "neap does not push (nor do browsers take it any more)",
  ssl_password_file = "keys must have no passphrase",
  ssl_engine = "keys must be in files",
  js_include = "write it in Lua", js_import = "write it in Lua", js_content = "write it in Lua",
  js_set = "write it in Lua", perl = "write it in Lua",
  userid = "a cookie can be set in the hook response",
  ssl_verify_client_optional = "",
  empty_gif = FILES,
  post_action = "a request of its own can be sent by neap.http in the hooks",
  geoip_country = "neap knows no places of addresses", geoip2 = "neap knows no places of addresses",
}
for name, why in pairs(MORE) do EVERYWHERE[name] = why end

local MAIN = {}
words([[user worker_processes pid error_log events http stream include]], true, MAIN)
words([[daemon master_process worker_rlimit_nofile worker_rlimit_core worker_priority
  worker_cpu_affinity load_module pcre_jit ssl_engine thread_pool timer_resolution
  working_directory lock_file env debug_points worker_shutdown_timeout]], "", MAIN)
MAIN.mail = "neap is no proxy for mail"

local UPSTREAM = {}
words([[server least_conn ip_hash hash random keepalive sticky include]], true, UPSTREAM)
words([[zone keepalive_timeout keepalive_requests keepalive_time ntlm state queue resolver]], "",
  UPSTREAM)
UPSTREAM.least_time = 'the policy "ewma" is nearest'

directives.main, directives.upstream = MAIN, UPSTREAM

local BY_KIND = { main = MAIN, upstream = UPSTREAM }

-- Tells what in a block has no counterpart.
---@param block table[]
---@param kind string  "main", "upstream", or any other
---@param notes table
---@param remark fun(text: string)
function directives.tell(block, kind, notes, remark)
  local known = BY_KIND[kind] or EVERYWHERE
  for _, node in ipairs(block) do
    local row = known[node.name]
    if node.why then
      remark(notes:lacks(node, "include: " .. node.why))
    elseif kind == "location" and (node.name == "gzip" or node.name == "brotli") then
      remark(notes:other(node, node.name .. ": compress is of a whole service"))
    elseif row == nil and node.name:find "_by_lua" then
      remark(notes:lacks(node, node.name .. ": Lua of other hooks: write it as a policy"))
    elseif row == nil then
      remark(notes:lacks(node, node.name .. ": this conversion does not know it"))
    elseif type(row) == "string" and row ~= "" then
      remark(notes:lacks(node, node.name .. ": " .. row))
    end
  end
end

return directives
