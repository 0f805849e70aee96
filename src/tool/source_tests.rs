//! Tools that come and go, and who may call what.

use super::*;

use crate::character::Cast;
use serde_json::json;

struct Named(&'static str, Permission);

#[async_trait]
impl Tool for Named {
    fn spec(&self) -> ToolSpec {
        ToolSpec { name: self.0.to_owned(), description: String::new(), parameters: json!({}) }
    }
    fn permission(&self) -> Permission {
        self.1
    }
    fn cost(&self) -> CostClass {
        CostClass::Free
    }
    fn limit(&self) -> Duration {
        Duration::from_secs(1)
    }
    async fn call(&self, _: &Context, _: Value) -> Result<String, ToolError> {
        Ok(self.0.to_owned())
    }
}

#[derive(Default)]
struct Shelf(std::sync::Mutex<Arc<BTreeMap<String, Arc<dyn Tool>>>>);

impl Shelf {
    fn hold(&self, names: &[&'static str]) {
        let tools = names.iter().map(|name| {
            let tool: Arc<dyn Tool> = Arc::new(Named(name, Permission::Network));
            ((*name).to_owned(), tool)
        });
        *self.0.lock().unwrap() = Arc::new(tools.collect());
    }
}

impl Source for Shelf {
    fn tools(&self) -> Arc<BTreeMap<String, Arc<dyn Tool>>> {
        self.0.lock().unwrap().clone()
    }
}

fn with_skills(skills: &[&str]) -> Character {
    let (cast, _) = Cast::open(std::path::Path::new("characters")).unwrap();
    let id = cast.ids().remove(0);
    let mut character = cast.get(&id).unwrap().as_ref().clone();
    character.core.skills = skills.iter().map(|skill| (*skill).to_owned()).collect();
    character
}

#[test]
fn a_star_stands_for_all_tools_of_a_server_and_for_nothing_else() {
    let shelf = Arc::new(Shelf::default());
    shelf.hold(&["sky__rain", "sky__wind", "skyline__view"]);
    let toolbox =
        Toolbox::new([Arc::new(Named("clock", Permission::Read)) as Arc<dyn Tool>]).with_source(shelf);
    let names = |skills: &[&str]| -> Vec<String> {
        toolbox.specs(&with_skills(skills)).into_iter().map(|spec| spec.name).collect()
    };
    assert_eq!(names(&[]), ["clock"]);
    assert_eq!(names(&["sky__*"]), ["sky__rain", "sky__wind"]);
    assert_eq!(names(&["sky__wind", "clock"]), ["clock", "sky__wind"]);
    assert_eq!(names(&["*"]), Vec::<String>::new());
    assert_eq!(names(&["sky*"]), Vec::<String>::new());
}

#[test]
fn what_a_source_holds_may_change_and_never_hides_a_tool_of_the_house() {
    let shelf = Arc::new(Shelf::default());
    let toolbox = Toolbox::new([Arc::new(Named("clock", Permission::Read)) as Arc<dyn Tool>])
        .with_source(shelf.clone());
    let character = with_skills(&["clock", "sky__*"]);
    assert_eq!(toolbox.specs(&character).len(), 1);
    shelf.hold(&["sky__rain", "clock"]);
    assert_eq!(toolbox.specs(&character).len(), 2);
    assert_eq!(toolbox.get("clock").unwrap().permission(), Permission::Read);
    shelf.hold(&[]);
    assert!(toolbox.get("sky__rain").is_none());
}
