# What may be stored at all. Include this before any other vcl_backend_response.
# Varnish alone stores responses without Cache-Control for two minutes, and lets Surrogate-Control beat `private`.

sub vcl_backend_response {
  unset beresp.http.Surrogate-Control;
  if (!beresp.http.Cache-Control
      || beresp.http.Cache-Control ~ "(?i)(private|no-store|no-cache)"
      || beresp.http.Set-Cookie
      # A probe sees one variant and must not say "absent" while another is stored.
      || beresp.http.Vary !~ "(?i)^(accept-encoding)?$") {
    # Two minutes of "do not wait for each other": with none, requests for a private path queue up.
    set beresp.ttl = 120s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    set beresp.uncacheable = true;
    return (deliver);
  }
}
