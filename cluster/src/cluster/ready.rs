//! When a cluster can be asked.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ClusterError;

/// Waits until the scheduler at `HOST:PORT` says that its executors are there.
///
/// # Errors
/// [`ClusterError::Cluster`] when it has not said so after `patience`.
pub async fn wait_until_ready(address: &str, patience: Duration) -> Result<(), ClusterError> {
    let start = Instant::now();
    loop {
        let why = match ask(address).await {
            Ok(true) => return Ok(()),
            Ok(false) => "executors are missing".to_owned(),
            Err(e) => e.to_string(),
        };
        if start.elapsed() > patience {
            return Err(ClusterError::cluster(format!("scheduler at {address}"), why));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The scheduler's answer to `GET /readyz`.
async fn ask(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let question = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}
