/* The client side of TLS towards the proxy: any certificate, no session resumption, ALPN as the workload needs it. */
#pragma once
#include <openssl/ssl.h>
#include <stdbool.h>

/* NULL when the workload is plain text. */
SSL_CTX *tls_client(void);
/* Ends the run when the proxy chose another protocol than asked. */
void tls_check_protocol(SSL *);
