//! An address that nobody should ever connect to: it counts who does.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{net::TcpListener, task::JoinHandle};

/// A listener that says nothing. As `HTTPS_PROXY` of a program it meets every request to another host by TLS.
pub struct Elsewhere {
    address: SocketAddr,
    touched: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Elsewhere {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let touched = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&touched);
        let listening = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, touched, listening }
    }

    /// `127.0.0.1:PORT`, for a scheme of one's own.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Connections so far.
    pub fn touched(&self) -> usize {
        self.touched.load(Ordering::SeqCst)
    }
}
