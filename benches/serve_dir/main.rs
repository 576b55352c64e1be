//! A yardstick for `benches/serve`: tower-http's `ServeDir` on a free port, as a host would mount it.

use axum::Router;
use axum::serve::ListenerExt;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("a connection stays without TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, Router::new().fallback_service(ServeDir::new(folder))).await
}
