//! Images are developed in child processes of the server: what becomes of one of them costs one upload.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::photos;
use crate::server::{Server, eventually};

/// A server, a gallery in it, and its owner.
struct Scene {
    server: Server,
    ada: Client,
    gallery: String,
    _data: TempDir,
}

impl Scene {
    async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path(), 0, &[]);
        let ada = server.operator().account("ada", "free").await;
        let gallery = ada.gallery("g", "public").await;
        Self { server, ada, gallery, _data: data }
    }

    async fn upload(&self, file: &Bytes) -> Answer {
        let path = format!("/api/v1/galleries/{}/images", self.gallery);
        self.ada.send(Method::POST, &path, "image/png", file.clone()).await
    }

    /// The process of the child that has developed an image and waits for more.
    async fn warm(&self) -> Pid {
        self.upload(&photos::small(1)).await.expect(201);
        let children = children(self.server.pid());
        assert_eq!(children.len(), 1, "one upload after the other takes one child");
        children[0]
    }

    async fn is_well(&self) {
        let well = tokio::time::timeout(Duration::from_secs(5), self.ada.get("/healthz")).await;
        assert_eq!(well.expect("it answers at once").status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_can_do_nothing_but_compute() {
    let scene = Scene::open().await;
    for (name, file) in photos::real().iter().take(3) {
        println!("{name}");
        scene.upload(file).await.expect(201);
    }
    let child = process(scene.warm().await);
    let limits = std::fs::read_to_string(child.join("limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    for nothing in ["Max file size", "Max core file size", "Max processes"] {
        assert_eq!(limit(nothing), ["0", "0"], "{nothing}");
    }
    assert_eq!(limit("Max open files"), ["3", "3"]);
    let space: u64 = limit("Max address space")[1].parse().unwrap();
    let given: u64 = limit("Max address space")[0].parse().unwrap();
    assert!(given <= space && space < 1 << 30, "{given} of {space}");
    let seconds: u64 = limit("Max cpu time")[0].parse().unwrap();
    assert!((2..120).contains(&seconds), "{seconds}");

    let status = std::fs::read_to_string(child.join("status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("Threads:\t1"), "{status}");
    // What is open beyond its pipes came from whoever started this test, not from the server.
    let ours: Vec<_> = open_files(Path::new("/proc/self")).into_iter().map(|(_, file)| file).collect();
    for (number, file) in open_files(&child) {
        assert!(number < 3 || ours.contains(&file), "{number} is {}", file.display());
    }
    assert_eq!(std::fs::read_link(child.join("cwd")).unwrap(), Path::new("/"));
    let environment = std::fs::read(child.join("environ")).unwrap();
    assert!(!environment.windows(7).any(|part| part == b"GALERRA"), "the host's secrets are not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_child_costs_one_upload() {
    let scene = Scene::open().await;
    let child = scene.warm().await;
    kill_process(child, Signal::STOP).unwrap();
    let file = photos::generated(2, 120, 90);
    // The same pipe. What is in it has been told at once; its reader may have taken a part before it stopped.
    let input = std::fs::File::open(process(child).join("fd/0")).unwrap();
    assert!(file.len() < 60_000, "it fits into the pipe: {}", file.len());
    let meanwhile = async {
        let told = async || ioctl_fionread(&input).unwrap() > file.len() as u64 / 2;
        eventually("the child has its request", told).await;
        scene.is_well().await;
        kill_process(child, Signal::KILL).unwrap();
    };
    let (answer, ()) = tokio::join!(scene.upload(&file), meanwhile);
    assert_eq!(answer.problem(422), "image-too-heavy");
    scene.upload(&file).await.expect(201);
    assert_ne!(scene.warm().await, child);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_died_while_idle_costs_no_upload() {
    let scene = Scene::open().await;
    for _ in 0..3 {
        kill_process(scene.warm().await, Signal::KILL).unwrap();
        scene.upload(&photos::generated(3, 900, 600)).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allocation_that_fails_ends_a_child_and_not_the_server() {
    let scene = Scene::open().await;
    let child = scene.warm().await;
    let file = photos::generated(4, 2400, 1600);
    // As if decoding took more than it may: the child has room for the file, and for little else.
    let status = std::fs::read_to_string(process(child).join("status")).unwrap();
    let used = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let used: u64 = used.trim().trim_end_matches(" kB").parse().unwrap();
    let space = Some(used * 1024 + file.len() as u64 + (2 << 20));
    prlimit(Some(child), Resource::As, Rlimit { current: space, maximum: space }).unwrap();
    assert_eq!(scene.upload(&file).await.problem(422), "image-too-heavy");
    scene.is_well().await;
    scene.upload(&file).await.expect(201);
    assert_ne!(scene.warm().await, child);
}

/// `GALERRA_HOSTILE` names a folder of files with a `manifest.json`; without it this is not run.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_leave_the_server_well() {
    let Some(folder) = std::env::var_os("GALERRA_HOSTILE").map(PathBuf::from) else { return };
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&manifest).unwrap();
    let scene = Scene::open().await;
    let child = scene.warm().await;
    let memory = || {
        resident(scene.server.pid())
            + children(scene.server.pid()).into_iter().map(raw).map(resident).sum::<u64>()
    };
    let before = memory();
    for case in &cases {
        let Some(file) = case["file"].as_str() else { continue };
        let bytes = Bytes::from(std::fs::read(folder.join(file)).unwrap());
        let answered = tokio::time::timeout(Duration::from_secs(5), scene.upload(&bytes));
        let (answer, ()) = tokio::join!(answered, scene.is_well());
        let status = answer.expect("it is answered in time").status.as_u16();
        match case["expect"].as_str().unwrap() {
            "accept" => assert_eq!(status, 201, "{file}"),
            "refuse" => assert!((400..500).contains(&status), "{file}: {status}"),
            _ => assert!(status == 201 || (400..500).contains(&status), "{file}: {status}"),
        }
    }
    assert!(memory() < before + (256 << 20), "{} after {before}", memory());
    assert_eq!(scene.warm().await, child, "none of them has ended it");
}

#[tokio::test(flavor = "multi_thread")]
async fn children_end_with_the_server() {
    let scene = Scene::open().await;
    let child = scene.warm().await;
    scene.server.kill();
    eventually("the child has left", async || has_ended(child)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_can_be_chosen_instead() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), 0, &[("GALERRA_IMAGING", "threads".to_owned())]);
    let ada = server.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    ada.upload(&gallery, photos::small(1)).await;
    assert!(children(server.pid()).is_empty());
}

fn process(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string())
}

/// The number of each open file, and what it is.
fn open_files(process: &Path) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(process.join("fd")).unwrap().map(Result::unwrap);
    entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, std::fs::read_link(entry.path()).ok()?))
        })
        .collect()
}

/// The processes that this one has started and that still run.
fn children(parent: u32) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_child = |pid: &Pid| {
        let status = std::fs::read_to_string(process(*pid).join("status")).unwrap_or_default();
        status.contains(&format!("PPid:\t{parent}\n"))
    };
    pids.filter_map(Pid::from_raw).filter(is_child).filter(|pid| !has_ended(*pid)).collect()
}

fn raw(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Bytes of memory that a process has.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Whether a process is gone, or waits to be buried by whoever adopted it.
fn has_ended(pid: Pid) -> bool {
    std::fs::read_to_string(process(pid).join("status")).map_or(true, |status| status.contains("State:\tZ"))
}
