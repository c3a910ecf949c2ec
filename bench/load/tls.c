#include "tls.h"
#include "options.h"
#include <string.h>

SSL_CTX *tls_client(void) {
  static SSL_CTX *context;
  if (!options.tls || context) return context;
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256"); /* the same for every proxy */
  SSL_CTX_set1_groups_list(context, "X25519");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 65536);
  if (options.http2) SSL_CTX_set_alpn_protos(context, (const uint8_t *)"\x02h2", 3);
  else SSL_CTX_set_alpn_protos(context, (const uint8_t *)"\x08http/1.1", 9);
  return context;
}

void tls_check_protocol(SSL *ssl) {
  const unsigned char *name;
  unsigned length;
  if (!ssl || !options.http2) return;
  SSL_get0_alpn_selected(ssl, &name, &length);
  if (length != 2 || memcmp(name, "h2", 2)) fail("the proxy did not agree on h2 by ALPN");
}
