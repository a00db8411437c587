(function () {
  "use strict";
  var root = document.documentElement, button = document.getElementById("theme");
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function dark() { return root.dataset.theme ? root.dataset.theme === "dark" : system.matches; }
  function name() { button.textContent = dark() ? "Light colours" : "Dark colours"; }
  button.addEventListener("click", function () { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  system.addEventListener("change", name);
  name();
  button.hidden = false;

  function value(row, column) {
    var text = row.cells[column].textContent.trim(), number = parseFloat(text.replace(/\u2212/g, "-").replace(/,/g, ""));
    return isNaN(number) ? text : number;
  }
  function order(a, b) {
    if (typeof a === typeof b) { return a < b ? -1 : a > b ? 1 : 0; }
    return typeof a === "number" ? -1 : 1;
  }
  document.querySelectorAll("table").forEach(function (table) {
    var heads = table.tHead.rows[0].cells, body = table.tBodies[0];
    if (body.rows.length < 3) { return; }
    Array.prototype.forEach.call(heads, function (head, column) {
      var sorter = document.createElement("button");
      sorter.type = "button";
      sorter.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(sorter);
      sorter.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") !== "ascending", rows = Array.prototype.slice.call(body.rows);
        rows.sort(function (a, b) { return (up ? 1 : -1) * order(value(a, column), value(b, column)); });
        rows.forEach(function (row) { body.appendChild(row); });
        Array.prototype.forEach.call(heads, function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
      });
    });
  });
})();
