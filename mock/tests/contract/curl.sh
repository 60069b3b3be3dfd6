# To be sourced with `url` set: requests as one types them from a page of documentation, and the statuses
# that they get. The spelling of headers, slashes and bodies is that of people, not of a generated client.

key='mock-admin-key'
failures=0
# expect STATUS METHOD PATH [ARGUMENTS OF CURL]: sends a request and compares the status; the body stays in `body`.
expect() {
  local wanted=$1 method=$2 path=$3 answer
  shift 3
  answer=$(curl -sS -X "$method" -w '\n%{http_code}' "$@" "$url$path")
  body=${answer%$'\n'*}
  if [ "${answer##*$'\n'}" != "$wanted" ]; then
    echo "$method $path: ${answer##*$'\n'} instead of $wanted: $body" >&2
    failures=$((failures + 1))
  fi
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <<<"$body"; }

json=(-H "x-portkey-api-key: $key" -H 'Content-Type: application/json')
expect 200 GET /v1/configs -H "X-Portkey-Api-Key: $key"
expect 200 GET /v1/configs -H "Authorization: Bearer $key"
expect 401 GET /v1/configs
expect 401 GET /v1/configs -H 'x-portkey-api-key: nobody'
expect 400 GET /v1/workspaces -H "x-portkey-api-key: $key"
expect 405 PATCH /v1/integrations "${json[@]}" -d '{}'
expect 200 GET '/v1/providers/?' -H "x-portkey-api-key: $key"

expect 200 POST /v1/admin/workspaces "${json[@]}" -d '{"name": "Typed by hand", "description": "d"}'
workspace=$(field id)
expect 200 GET "/v1/admin/workspaces/$(field slug)" -H "x-portkey-api-key: $key"
expect 200 POST /v1/integrations "${json[@]}" \
  -d '{"name": "Typed", "slug": "typed", "ai_provider_id": "openai", "key": "sk-typed-by-hand"}'
expect 409 POST /v1/integrations "${json[@]}" -d '{"name": "Typed", "slug": "typed", "ai_provider_id": "openai"}'
expect 400 POST /v1/integrations "${json[@]}" -d '{"name": '
expect 415 POST /v1/integrations -H "x-portkey-api-key: $key" -d 'name=Typed'
expect 200 PUT /v1/integrations/typed/workspaces "${json[@]}" -d "{\"workspaces\": [{\"id\": \"$workspace\", \"enabled\": true}]}"
expect 200 PUT /v1/integrations/typed/models "${json[@]}" -d '{"models": [{"slug": "my-model", "enabled": true, "is_custom": true}]}'
expect 200 DELETE '/v1/integrations/typed/models?slugs=my-model' -H "x-portkey-api-key: $key"
# The older spelling of a guardrail's actions, and fewer of them than the document requires.
expect 200 POST /v1/guardrails "${json[@]}" \
  -d "{\"name\": \"Typed\", \"workspace_id\": \"$workspace\", \"checks\": [{\"id\": \"default.jwt\", \"parameters\": {}}], \"actions\": {\"onFail\": \"block\"}}"
guardrail=$(field id)
expect 200 DELETE "/v1/guardrails/$guardrail" -H "x-portkey-api-key: $key"
expect 403 GET "/v1/guardrails/$guardrail" -H "x-portkey-api-key: $key"
expect 200 POST /v1/api-keys/workspace/service "${json[@]}" \
  -d "{\"name\": \"Typed\", \"workspace_id\": \"$workspace\", \"scopes\": [\"logs.list\"], \"rate_limits\": [{\"type\": \"requests\", \"unit\": \"rpm\", \"value\": 10}]}"
expect 200 PUT "/v1/api-keys/$(field id)" "${json[@]}" -d '{"usage_limits": null, "expires_at": null, "alert_emails": null}'
expect 502 POST /v1/api-keys/organisation/service "${json[@]}" -d '{"name": "No scopes"}'
expect 200 PUT "/v1/admin/workspaces/$workspace" "${json[@]}" -d '{"usage_limits": null, "rate_limits": null}'
expect 200 POST /v1/chat/completions "${json[@]}" -H 'x-portkey-metadata: {"_user": "typed", "env": "test"}' \
  -H "x-portkey-provider: @typed" -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
expect 400 POST /v1/chat/completions "${json[@]}" -H 'x-portkey-metadata: not-json' -d '{"messages": []}'
expect 409 DELETE "/v1/admin/workspaces/$workspace" "${json[@]}" -d '{"name": "Typed by hand"}'
expect 200 DELETE "/v1/admin/workspaces/$workspace" "${json[@]}" -d '{"name": "Typed by hand", "force_delete": true}'
expect 403 GET "/v1/admin/workspaces/$workspace" -H "x-portkey-api-key: $key"
expect 200 DELETE /v1/integrations/typed -H "x-portkey-api-key: $key"
