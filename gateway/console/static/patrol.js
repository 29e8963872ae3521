// Puts the phone's position into a check-in, where the phone gives one. Without it the form goes as it is.

const PATIENCE = { enableHighAccuracy: true, timeout: 8_000, maximumAge: 15_000 }; // ms

for (const form of document.querySelectorAll("form[data-locating]")) {
  form.addEventListener("submit", (event) => {
    const button = form.querySelector("button");
    if (!window.isSecureContext || !navigator.geolocation) return;
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    button.textContent = form.dataset.locating;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      form.elements.latitude.value = coords.latitude;
      form.elements.longitude.value = coords.longitude;
      form.submit();
    }, () => form.submit(), PATIENCE);
  });
}

// A page that comes back from the phone's memory has buttons that wait for nothing.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
